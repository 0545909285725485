"""Where a project's people stand: today's work of each, and the practice round."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.people.service import Standing, list_standings
from app.projects.tables import Membership
from app.rankings.progress import count_judgment
from app.tasks.tables import AnnotatorDay
from tests.app.judgment_rows import a_world


def test_a_standing_is_of_today_and_of_this_project(session: Session) -> None:
    world, other = a_world(session), a_world(session)
    ada, bo = world.person(), world.person(name="Bo")
    session.add(Membership(project_id=other.project.id, user_id=ada.id, role="annotator"))
    session.flush()
    for _ in range(2):
        count_judgment(session, project_id=world.project.id, annotator_id=ada.id)
    count_judgment(session, project_id=world.project.id, annotator_id=ada.id, what="written")
    count_judgment(session, project_id=other.project.id, annotator_id=ada.id)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    session.execute(
        insert(AnnotatorDay).values(annotator_id=bo.id, project_id=world.project.id, day=yesterday, judged=7)
    )
    assert list_standings(session, world.project.id) == [
        Standing(ada.id, 2, 1, 1, None),
        Standing(bo.id, 0, 0, 1, None),
    ]


def test_a_standing_says_how_far_the_practice_is(session: Session) -> None:
    world = a_world(session)
    ada = world.person()
    now = session.scalars(select(func.now())).one()
    passed = update(Membership).where(Membership.user_id == ada.id)
    session.execute(passed.values(practice_attempt=2, practice_passed_at=now))
    assert list_standings(session, world.project.id) == [Standing(ada.id, 0, 0, 2, now)]
