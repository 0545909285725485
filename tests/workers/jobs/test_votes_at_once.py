"""Several schedulers count the votes of a blind comparison at the same moment: it ends once, and is told once."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.db import transaction
from app.loop.tables import BlindComparison, LoopDecision
from tests.app.judgment_rows import World
from tests.app.loop.blind_stage import a_policy, asked, held_out, votes, written
from tests.workers.jobs.test_scheduler import at_once
from workers import scheduler

pytestmark = pytest.mark.commits


def test_a_verdict_is_told_once(make_world: Callable[..., World]) -> None:
    world = make_world(prompts=1)
    with transaction() as session:
        world.session = session
        candidate = a_policy(world)
        written(world, asked(held_out(world, 16), candidate))
        votes(world, candidate, "win", 15)
    at_once(scheduler.count_votes)
    scheduler.count_votes()
    with transaction() as session:
        comparison = session.scalars(select(BlindComparison)).one()
        told = session.scalars(select(LoopDecision.text)).all()
    assert (comparison.state, comparison.verdict, comparison.wins) == ("finished", "better", 15)
    assert len(told) == 1
