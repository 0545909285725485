"""A folder of the long chaos run that is taken up again days later: the books find what they know judgments by."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import func, select

from app.auth.tables import IdempotencyKey
from app.db import transaction
from app.rankings.tables import Ranking
from tests.app.judgment_rows import World
from tests.chaos import invariants
from tests.chaos.scheduler import TIMES
from tests.conftest import Database
from workers import scheduler

pytestmark = [pytest.mark.commits, pytest.mark.servers]

KEY = "ranking-of-three-days-ago"


@pytest.mark.parametrize("hurried", [True, False], ids=["suite", "control"])
def test_a_judgment_of_three_days_ago_still_answers_its_request(
    make_world: Callable[..., World], database: Database, monkeypatch: pytest.MonkeyPatch, hurried: bool
) -> None:
    for name, time in TIMES.items() if hurried else ():
        monkeypatch.setattr(scheduler, name, time)
    make_world(judgments=1)
    with transaction() as session:
        ranking = session.scalars(select(Ranking)).one()
        answered = {"route": "r", "request_sha256": b"", "status": 201, "body": {"ranking_id": ranking.id}}
        session.execute(IdempotencyKey.__table__.delete())
        long_ago = func.now() - timedelta(days=3)
        session.add(IdempotencyKey(user_id=ranking.annotator_id, key=KEY, created_at=long_ago, **answered))
    scheduler.clean_up()
    with psycopg.connect(database.url, row_factory=dict_row) as connection:
        rows = connection.execute(invariants.RANKINGS).fetchall()
    assert len(rows) == 1
    false_alarms = list(invariants.wrong_rankings(rows, [], {KEY}))
    assert bool(false_alarms) is not hurried
