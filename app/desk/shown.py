"""What an annotator sees of one assignment: the prompt, the completions under letters, the form, nothing else."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.completions.tables import Completion
from app.guidelines.tables import GuidelineVersion
from app.projects.settings import ProjectSettings, settings_of
from app.prompts.tables import Prompt
from app.rankings import practice
from app.rankings import service as rankings
from app.rankings.judgment import Judgment
from app.rankings.practice import Place
from app.rankings.tables import Ranking
from app.tasks.assignment import letters
from app.tasks.tables import Assignment, Task


@dataclass(frozen=True, slots=True)
class Card:
    """One completion on the desk: its text under a letter, and nothing about who wrote it."""

    id: int
    letter: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything an annotator gets to see of one assignment. `practice` says where it stands in the practice round."""

    assignment: Assignment
    prompt: Prompt
    cards: list[Card]
    settings: ProjectSettings
    previous: tuple[Ranking, Judgment] | None
    practice: Place | None
    guideline_number: int | None
    guideline_seen: int | None


def desk_of(session: Session, assignment: Assignment, access: Access) -> Desk:
    """The desk for one assignment, completions in this person's own order."""
    newest = select(func.max(GuidelineVersion.number)).where(GuidelineVersion.project_id == assignment.project_id)
    prompt, purpose, guideline = session.execute(
        select(Prompt, Task.purpose, newest.scalar_subquery())
        .join(Task, Task.prompt_id == Prompt.id)
        .where(Task.id == assignment.task_id)
    ).one()
    current = rankings.find_current(session, assignment.id)
    place = practice.place_of(session, assignment, access.membership) if purpose == "practice" else None
    return Desk(
        assignment=assignment,
        prompt=prompt,
        cards=_cards(session, assignment),
        settings=settings_of(access.project),
        previous=(current, rankings.judgment_of(session, current)) if current else None,
        practice=place,
        guideline_number=guideline,
        guideline_seen=access.membership.guideline_seen,
    )


def _cards(session: Session, assignment: Assignment) -> list[Card]:
    shown = assignment.shown_order
    texts = dict(session.execute(select(Completion.id, Completion.text).where(Completion.id.in_(shown))).all())
    return [Card(one, letter, texts[one]) for one, letter in zip(shown, letters(len(shown)), strict=True)]
