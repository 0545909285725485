"""What happens while a judge is at work: another policy goes live, the loop is paused, nobody waits for it any more."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.loop import advancing, judging, service
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import leases
from tests.app.judgment_rows import World
from tests.app.loop.blind_stage import held_out
from tests.app.loop.test_cycle import decisions, settings
from tests.app.loop.test_judge_promotion import (
    GOOD,
    PROMPTS,
    a_reward_model,
    another_live,
    at_promotion,
    done,
    evaluated,
    live,
    moved,
)
from tests.workers.jobs.stage import a_stocked_world, with_judgments


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with a ranked task and held-out prompts, whose policies are promoted by a judge."""
    world = held_out(with_judgments(a_stocked_world(session, tmp_path / "base")), PROMPTS)
    paused(world, yes=False)
    return world


def paused(world: World, *, yes: bool) -> None:
    settings(world, promotion="judge", judge_prompts=PROMPTS, paused=yes)


def test_a_judge_reads_nothing_it_did_not_learn_apart_from(session: Session, world: World) -> None:
    """Nothing says that the judgments behind the newly live policy are not the judge's too."""
    cycle = at_promotion(world)
    session.get_one(ModelVersion, cycle.policy_model_version_id).parent_id = world.model.id
    other = another_live(world)
    done(world, cycle, "reward", GOOD)
    assert (cycle.state, live(world), judging.run_of(session, cycle, "evaluate")) == ("waiting", other.id, None)
    assert decisions(session)[-1] == (
        "Policy 1 was not judged: its judge learnt apart from another live policy; policy-9 is live now. "
        "A person may decide; until then policy-9 stays live."
    )


def test_while_the_loop_is_paused_no_judge_is_trained_nor_followed(session: Session, world: World) -> None:
    paused(world, yes=True)
    cycle = at_promotion(world)
    assert (cycle.state, judging.run_of(session, cycle, "reward")) == ("running", None)
    paused(world, yes=False)
    moved(world, cycle)
    paused(world, yes=True)
    done(world, cycle, "reward", GOOD)
    assert judging.run_of(session, cycle, "evaluate") is None
    paused(world, yes=False)
    moved(world, cycle)
    paused(world, yes=True)
    done(world, cycle, "evaluate", evaluated([0.75] * PROMPTS))
    assert (live(world), cycle.state, cycle.stage) == (world.model.id, "running", "promotion")
    paused(world, yes=False)
    moved(world, cycle)
    assert (live(world), cycle.stage) == (cycle.policy_model_version_id, "sample")


@pytest.mark.parametrize("ends_by", ["cancelling the cycle", "promoting the policy"])
def test_a_judge_that_is_done_as_it_is_stopped_is_put_away(session: Session, world: World, ends_by: str) -> None:
    cycle = at_promotion(world)
    training = judging.run_of(session, cycle, "reward")
    assert training is not None
    held = leases.claim(session, training.id, owner="test", lease_seconds=60)
    assert held is not None
    leases.start(session, held)
    if ends_by == "cancelling the cycle":
        service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    else:
        registry.promote(session, session.get_one(ModelVersion, cycle.policy_model_version_id), actor=None)
        moved(world, cycle)
        assert cycle.stage == "sample"
    assert judging.run_of(session, cycle, "reward").state == "cancelling"
    leases.succeed(session, held, {"metrics": {}, "report": GOOD})
    version = registry.register_model(session, a_reward_model(training))
    advancing.advance_quietly(session, cycle.id)
    assert session.get_one(ModelVersion, version.id, populate_existing=True).stage == "archived"
