"""The gate in a cycle: what each verdict does, what it says, and what it spends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.loop import advancing, gating, service
from app.loop.tables import Cycle, LoopDecision
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs.tables import Run
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_judgments

JUDGMENTS = 600


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with a ranked task, a live base and a live reward model; promotion by hand."""
    made = with_judgments(a_stocked_world(session, tmp_path / "base"))
    reward = registry.register_model(session, new_reward(made))
    registry.promote(session, reward, actor=None)
    return made


def new_reward(world: World, run_id: int | None = None) -> NewModel:
    return NewModel(
        project_id=world.project.id, kind="reward", run_id=run_id, artifact_sha256="a" * 64, artifact_bytes=1
    )


def columns(loss: float, *, judgments: int = JUDGMENTS, right: float = 0.0) -> dict[str, list[Any]]:
    """Both models on so many judgments: `loss` and `right` are the new one's over live, give or take."""
    noise = np.random.default_rng(0).normal(0, 0.05, judgments)
    return {
        "prompt": list(range(judgments)),
        "group": list(range(judgments)),
        "weight": [1.0] * judgments,
        "decided": [1.0] * judgments,
        "live_loss": [0.5] * judgments,
        "new_loss": (0.5 + loss + noise).tolist(),
        "live_right": [0.7] * judgments,
        "new_right": [0.7 + right] * judgments,
    }


def settings(world: World, **loop: Any) -> None:
    world.project.settings = {**world.project.settings, "loop": loop}
    world.session.flush()


def finish_reward(world: World, gate: dict[str, Any] | None) -> Cycle:
    """A new cycle whose reward run has just reported these columns."""
    return finish(world, service.start_cycle(world.session, world.project.id, actor=None), gate)


def finish(world: World, cycle: Cycle, gate: dict[str, Any] | None) -> Cycle:
    """The cycle after its reward run has reported these columns."""
    session = world.session
    held = leases.claim(session, cycle.reward_run_id or 0, owner="test", lease_seconds=60)
    assert held is not None
    leases.start(session, held)
    report = {} if gate is None else {"gate": {"live_sha256": "a" * 64, "columns": gate}}
    leases.succeed(session, held, {"metrics": {}, "report": report})
    registry.register_model(session, new_reward(world, cycle.reward_run_id))
    advancing.advance(session, cycle.id)
    session.refresh(cycle)
    return cycle


def told(world: World) -> LoopDecision:
    """What was said about the newest reward model."""
    about = LoopDecision.text.like("Reward model%")
    return world.session.scalars(select(LoopDecision).where(about).order_by(LoopDecision.id.desc())).first()


def live_name(world: World) -> str:
    return registry.live_reward(world.session, world.project.id).name


def test_the_run_is_given_the_live_model(world: World) -> None:
    cycle = service.start_cycle(world.session, world.project.id, actor=None)
    run = world.session.get_one(Run, cycle.reward_run_id)
    assert run.inputs["models"] == {
        "base": world.model.id,
        "live": registry.live_reward(world.session, world.project.id).id,
    }


def test_a_better_model_is_promoted_with_its_numbers_and_the_cycle_goes_on(world: World) -> None:
    cycle = finish_reward(world, columns(-0.03, right=0.01))
    assert live_name(world) == "Reward model 2"
    assert (cycle.state, cycle.stage) == ("running", "ppo")
    decision = told(world)
    assert decision.text == (
        "Reward model 2 promoted: held-out log loss -0.031 nats a judgment over live (Reward model 1), upper bound "
        "-0.027, the rule allows +0.020; accuracy +1.0 points, lower bound +1.0, the rule allows -2.0; 600 effective "
        "judgments since live was promoted (gate 1, error 3.04%)."
    )
    assert (decision.tone, decision.run_id) == ("good", cycle.reward_run_id)
    assert decision.numbers["gate"]["verdict"] == "pass"
    assert decision.numbers["gate"]["loss"]["bound"] == pytest.approx(-0.027, abs=1e-3)


def test_the_gate_of_a_run_is_told_as_it_was_decided_and_otherwise_as_it_would_be(
    world: World, client: OpenClient
) -> None:
    rosa = browser(client, world.session, world.person("researcher", "Rosa"))
    cycle = finish_reward(world, columns(-0.03, right=0.01))
    decided = rosa.get(f"/api/v1/runs/{cycle.reward_run_id}/gate").json()
    gate = told(world).numbers["gate"]
    assert decided == {
        **{name: value for name, value in gate.items() if name != "live_id"},
        "decided": True,
        "loss_margin": 0.02,
        "accuracy_margin": 0.02,
    }
    by_hand = Run(project_id=world.project.id, kind="reward", state="succeeded", queue="training", config={}, seed=1)
    by_hand.result = {"metrics": {}, "report": {"gate": {"columns": columns(0.5)}}}
    alone = Run(project_id=world.project.id, kind="reward", state="succeeded", queue="training", config={}, seed=1)
    alone.result = {"metrics": {}, "report": {}}
    by_hand.finished_at = alone.finished_at = func.now()
    world.session.add_all([by_hand, alone])
    world.session.flush()
    answer = rosa.get(f"/api/v1/runs/{by_hand.id}/gate").json()
    assert (answer["decided"], answer["verdict"], answer["number"]) == (False, "refuse", 2)
    refused = rosa.get(f"/api/v1/runs/{alone.id}/gate")
    assert (refused.status_code, refused.json()["type"]) == (409, "no-gate")


@pytest.mark.parametrize("worse", [{"loss": 0.03}, {"loss": -0.03, "right": -0.05}])
@pytest.mark.parametrize("promotion", ["manual", "automatic"])
def test_a_worse_model_is_refused_put_away_and_the_cycle_ends(
    world: World, worse: dict[str, float], promotion: str
) -> None:
    settings(world, promotion=promotion)
    cycle = finish_reward(world, columns(**worse))
    assert live_name(world) == "Reward model 1"
    assert (cycle.state, cycle.stage, cycle.ppo_run_id) == ("succeeded", "done", None)
    assert world.session.get_one(ModelVersion, cycle.reward_model_version_id).stage == "archived"
    assert told(world).text.startswith("Reward model 2 not promoted: held-out log loss ")
    assert told(world).tone == "bad"


def test_too_few_judgments_wait_for_a_person_who_may_accept(world: World) -> None:
    cycle = finish_reward(world, columns(-0.3, judgments=40))
    assert (cycle.state, cycle.stage) == ("waiting", "reward")
    assert live_name(world) == "Reward model 1"
    assert told(world).text == (
        "Reward model 2: not enough evidence against live (Reward model 1): 40 effective judgments on 40 held-out "
        "prompt groups since live was promoted, the gate needs at least 500. A person may decide; until then Reward "
        "model 1 stays live."
    )
    state = service.state_of(world.session, world.project.id)
    assert state.candidate.name == "Reward model 2"

    service.decide_promotion(world.session, cycle.id, accept=True, actor=world.person("admin", "Grace"))

    assert live_name(world) == "Reward model 2"
    assert (cycle.state, cycle.stage) == ("running", "ppo")
    assert told(world).text == "Reward model 2 promoted by Grace, without enough evidence for the gate."
    assert service.state_of(world.session, world.project.id).candidate is None


def test_too_few_judgments_wait_for_a_person_who_may_refuse(world: World) -> None:
    cycle = finish_reward(world, columns(0.0, judgments=200))
    assert "the gate needs about 500." in told(world).text
    grace = world.person("admin", "Grace")
    service.decide_promotion(world.session, cycle.id, accept=False, actor=grace)
    assert live_name(world) == "Reward model 1"
    assert (cycle.state, cycle.ppo_run_id) == ("succeeded", None)
    assert world.session.get_one(ModelVersion, cycle.reward_model_version_id).stage == "archived"
    with pytest.raises(Conflict, match="does not wait"):
        service.decide_promotion(world.session, cycle.id, accept=True, actor=grace)


def test_too_few_judgments_go_on_where_promotion_is_automatic_and_say_so(world: World) -> None:
    settings(world, promotion="automatic")
    cycle = finish_reward(world, columns(0.5, judgments=3))
    assert live_name(world) == "Reward model 2"
    assert cycle.stage == "ppo"
    assert "not enough evidence against live" in told(world).text
    assert told(world).text.endswith("It goes live by the project's setting (automatic), not on evidence.")


def test_too_few_judgments_that_all_tell_against_a_model_wait_for_a_person_in_any_case(world: World) -> None:
    settings(world, promotion="automatic")
    cycle = finish_reward(world, columns(0.5, judgments=60))
    assert (live_name(world), cycle.state) == ("Reward model 1", "waiting")
    assert "by these it is worse: log loss +0.504 nats a judgment over live. A person may decide" in told(world).text
    service.decide_promotion(world.session, cycle.id, accept=False, actor=world.person("admin", "Grace"))
    finish_reward(world, columns(0.01, judgments=60))
    assert live_name(world) == "Reward model 3"


@pytest.mark.parametrize("report", [None, {}, {"group": [1]}, {**columns(0.0), "new_loss": [None] * JUDGMENTS}])
def test_a_run_that_measured_nothing_usable_is_no_evidence(world: World, report: dict[str, Any] | None) -> None:
    cycle = finish_reward(world, report)
    assert cycle.state == "waiting"
    assert told(world).text.startswith("Reward model 2 was not compared with Reward model 1, which is live now.")


def test_a_comparison_with_a_model_that_is_live_no_more_is_no_evidence(world: World) -> None:
    session = world.session
    cycle = service.start_cycle(session, world.project.id, actor=None)
    registry.promote(session, registry.register_model(session, new_reward(world)), actor=None)
    finish(world, cycle, columns(-1.0))
    assert cycle.state == "waiting"
    assert told(world).text.startswith("Reward model 3 was not compared with Reward model 2, which is live now.")
    assert told(world).numbers == {}


def test_gates_are_counted_by_the_verdicts_that_spent_error(world: World) -> None:
    settings(world, run_ppo=False, promotion="automatic")
    numbers = []
    for gate in (columns(0.5, judgments=3), columns(0.03), columns(-0.03), None, columns(-0.03)):
        finish_reward(world, gate)
        numbers.append((told(world).numbers.get("gate") or {}).get("number"))
    assert numbers == [1, 1, 2, None, 3]
    assert gating.next_number(world.session, world.project.id) == 4
    assert "(gate 3, error 0.34%)" in told(world).text


def test_a_waiting_model_that_is_made_live_among_the_models_lets_the_cycle_go_on(world: World) -> None:
    cycle = finish_reward(world, columns(-0.1, judgments=100))
    assert cycle.state == "waiting"
    advancing.advance(world.session, cycle.id)
    assert (cycle.state, cycle.stage) == ("waiting", "reward")
    version = world.session.get_one(ModelVersion, cycle.reward_model_version_id)
    registry.promote(world.session, version, actor=None)
    assert cycle.id in service.cycles_under_way(world.session)
    advancing.advance(world.session, cycle.id)
    assert (cycle.state, cycle.stage) == ("running", "ppo")
    assert told(world).text == f"{version.name} was made live by a person among the models; the cycle goes on with it."
