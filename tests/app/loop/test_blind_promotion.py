"""Cycles whose policy is promoted by the votes of blind people: the verdicts, and who may decide before them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.loop import advancing, blind, service
from app.loop.tables import BlindComparison, Cycle, LoopDecision
from app.prompts.tables import Prompt
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from tests.app.judgment_rows import World
from tests.app.loop.blind_stage import held_out, votes, written
from tests.app.loop.test_cycle import decisions, finish, settings
from tests.workers.jobs.stage import a_stocked_world, with_judgments


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with a ranked task and held-out prompts, whose policies are promoted by blind people."""
    world = held_out(with_judgments(a_stocked_world(session, tmp_path / "base")), 20)
    settings(world, promotion="blind", blind_votes=18)
    return world


def at_promotion(world: World) -> Cycle:
    """A cycle whose policy has just been trained."""
    cycle = service.start_cycle(world.session, world.project.id, actor=None)
    finish(world.session, cycle, "reward")
    finish(world.session, cycle, "policy")
    return cycle


def comparison_of(world: World, cycle: Cycle) -> BlindComparison:
    found = blind.of_cycle(world.session, cycle.id)
    assert found is not None
    return found


def judged(world: World, cycle: Cycle, **said: int) -> BlindComparison:
    """The cycle's comparison after these votes and one look of the scheduler."""
    comparison = comparison_of(world, cycle)
    written(world, comparison)
    candidate = world.session.get_one(ModelVersion, cycle.policy_model_version_id)
    for verdict, count in said.items():
        votes(world, candidate, verdict, count)
    blind.look(world.session, comparison.id)
    advancing.advance(world.session, cycle.id)
    world.session.flush()
    return comparison


def live(world: World) -> int:
    return registry.live_policy(world.session, world.project.id).id


def test_a_new_policy_waits_for_blind_people(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    assert (cycle.state, cycle.stage) == ("waiting", "promotion")
    comparison = comparison_of(world, cycle)
    assert (comparison.candidate_id, comparison.rival_id) == (cycle.policy_model_version_id, world.model.id)
    assert comparison.prompts == 18
    assert decisions(session)[-1].startswith(
        "Policy 1 is put before blind people beside the live policy, up to 18 votes on held-out prompts: "
    )
    before = decisions(session)
    advancing.advance(session, cycle.id)
    assert (decisions(session), cycle.state, live(world)) == (before, "waiting", world.model.id)


def test_a_better_policy_is_promoted_and_the_cycle_goes_on(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    judged(world, cycle, win=15)
    assert live(world) == cycle.policy_model_version_id
    assert (cycle.state, cycle.stage) == ("running", "sample")
    verdict, deed = decisions(session)[-2:]
    assert verdict.startswith("Blind people find Policy 1 better than tiny: 15 wins, 0 losses, 0 ties of 15 votes")
    assert deed == (
        "Policy 1 promoted by the project's rule (votes of blind people): 15 wins, 0 losses, 0 ties of 15 votes; "
        "win rate 1.00 of the decided votes, 95 % confidence sequence 0.505–1.000."
    )


def test_a_worse_policy_is_refused_and_the_cycle_ends(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    judged(world, cycle, tie=2, loss=15)
    assert (cycle.state, cycle.stage, live(world)) == ("succeeded", "done", world.model.id)
    assert session.get_one(ModelVersion, cycle.policy_model_version_id).stage == "archived"
    assert "Policy 1 refused by the project's rule (votes of blind people): 0 wins, 15 losses" in decisions(session)[-1]


def test_votes_that_run_out_leave_it_to_a_person(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    assert judged(world, cycle, win=10, loss=8).verdict == "undecided"
    assert (cycle.state, cycle.stage, live(world)) == ("waiting", "promotion", world.model.id)
    assert "Not enough evidence" in decisions(session)[-1]
    service.decide_promotion(session, cycle.id, accept=True, actor=world.person("admin"))
    assert live(world) == cycle.policy_model_version_id


@pytest.mark.parametrize("accept", [True, False])
def test_a_person_may_decide_before_the_votes_do(session: Session, world: World, accept: bool) -> None:
    cycle = at_promotion(world)
    service.decide_promotion(session, cycle.id, accept=accept, actor=world.person("admin"))
    comparison = comparison_of(world, cycle)
    assert comparison.state == "cancelled"
    assert session.get_one(Run, comparison.run_id).state == "cancelled"
    assert (live(world) == cycle.policy_model_version_id) is accept


def test_cancelling_the_cycle_stops_the_comparison(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    assert (cycle.state, comparison_of(world, cycle).state) == ("cancelled", "cancelled")


def test_a_paused_loop_follows_no_verdict_until_it_goes_on(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    settings(world, promotion="blind", blind_votes=18, paused=True)
    judged(world, cycle, win=15)
    assert (cycle.state, live(world)) == ("waiting", world.model.id)
    settings(world, promotion="blind", blind_votes=18)
    advancing.advance(session, cycle.id)
    assert live(world) == cycle.policy_model_version_id


def test_a_verdict_on_what_is_no_longer_live_promotes_nothing(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    other = world.model_version("policy", 9)
    other.artifact_sha256 = world.model.artifact_sha256
    session.flush()
    registry.promote(session, other, actor=None)
    assert judged(world, cycle, win=15).verdict == "better"
    assert (cycle.state, live(world)) == ("waiting", other.id)


def test_without_held_out_prompts_a_person_is_asked(session: Session, world: World) -> None:
    for prompt in session.scalars(select(Prompt).where(Prompt.split != "train")):
        prompt.state = "retired"
    cycle = at_promotion(world)
    assert (cycle.state, cycle.stage, blind.of_cycle(session, cycle.id)) == ("waiting", "promotion", None)
    assert decisions(session)[-1] == (
        "Policy 1 waits for a person, blind people can't be asked: there are no held-out prompts to compare on."
    )


@pytest.mark.parametrize("rule", ["manual", "blind"])
def test_what_a_person_makes_live_among_the_models_ends_the_waiting(session: Session, world: World, rule: str) -> None:
    settings(world, promotion=rule)
    cycle = at_promotion(world)
    version = session.get_one(ModelVersion, cycle.policy_model_version_id)
    registry.promote(session, version, actor=world.person("admin"))
    advancing.advance(session, cycle.id)
    assert (cycle.state, cycle.stage) == ("running", "sample")
    comparison = blind.of_cycle(session, cycle.id)
    assert comparison is None if rule == "manual" else comparison.state == "cancelled"


@pytest.mark.parametrize("rule", ["manual", "blind"])
def test_what_a_person_puts_away_among_the_models_ends_the_cycle(session: Session, world: World, rule: str) -> None:
    settings(world, promotion=rule)
    cycle = at_promotion(world)
    version = session.get_one(ModelVersion, cycle.policy_model_version_id)
    registry.archive(session, version, actor=world.person("admin"))
    advancing.advance(session, cycle.id)
    assert (cycle.state, live(world)) == ("succeeded", world.model.id)
    assert told(session) == "Policy 1 was put away by a person among the models; the cycle ends."
    advancing.advance(session, cycle.id)
    assert service.start_cycle(session, world.project.id, actor=None).state == "running"


def told(session: Session) -> Any:
    return session.scalars(select(LoopDecision.text).order_by(LoopDecision.id.desc()).limit(1)).one()
