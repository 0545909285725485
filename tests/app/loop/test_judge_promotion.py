"""Cycles whose policy is promoted by an independent judge: what it learns from, what it reads, what follows."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.datasets.parts import is_held_back
from app.datasets.tables import DatasetSnapshot, SnapshotRanking
from app.errors import Unprocessable
from app.lineage import service as lineage
from app.loop import advancing, holding_back, judging, service
from app.loop.tables import Cycle, LoopDecision
from app.prompts.tables import Prompt
from app.rankings.tables import Ranking
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs import service as runs
from app.runs.leases import Failure
from app.runs.tables import Run
from app.tasks.tables import Task
from tests.app.judgment_rows import World, submit, take
from tests.app.loop.blind_stage import held_out
from tests.app.loop.test_cycle import decisions, finish, settings
from tests.workers.jobs.stage import a_stocked_world, with_judgments

GOOD = {"judged": {"decided": 88, "accuracy": {"value": 0.71, "low": 0.62, "high": 0.79}}}
COIN = {"judged": {"decided": 40, "accuracy": {"value": 0.55, "low": 0.39, "high": 0.7}}}
PROMPTS = 60
WROTE = {
    "policy": {"kl": {"value": 3.126, "standard_error": 0.208}, "tokens": {"value": 31.4}},
    "reference": {"kl": None, "tokens": {"value": 24.0}},
}


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with a ranked task and held-out prompts, whose policies are promoted by a judge."""
    world = held_out(with_judgments(a_stocked_world(session, tmp_path / "base")), PROMPTS)
    settings(world, promotion="judge", judge_prompts=PROMPTS)
    return world


def at_promotion(world: World) -> Cycle:
    """A cycle whose policy has just been trained, and whose judge is waited for."""
    cycle = service.start_cycle(world.session, world.project.id, actor=None)
    finish(world.session, cycle, "reward")
    finish(world.session, cycle, "policy")
    return cycle


def done(world: World, cycle: Cycle, kind: str, report: dict[str, Any]) -> Run:
    """Let the judge's run of this kind succeed with this report, and the cycle move on."""
    session = world.session
    run = judging.run_of(session, cycle, kind)
    assert run is not None
    held = leases.claim(session, run.id, owner="test", lease_seconds=60)
    assert held is not None
    leases.start(session, held)
    leases.succeed(session, held, {"metrics": {}, "report": report})
    if kind == "reward":
        registry.register_model(session, a_reward_model(run))
    moved(world, cycle)
    return run


def a_reward_model(run: Run) -> NewModel:
    """What a reward run made."""
    return NewModel(project_id=run.project_id, kind="reward", run_id=run.id, artifact_sha256="b" * 64, artifact_bytes=1)


def moved(world: World, cycle: Cycle) -> None:
    advancing.advance(world.session, cycle.id)
    world.session.flush()
    world.session.refresh(cycle)


def evaluated(shares: list[float], *, standing: str = "judge", against: str = "reference") -> dict[str, Any]:
    """An evaluation's report, as far as the loop reads it."""
    row = {"against": against, "judge": "judge", "standing": standing, "shares": shares}
    proxy = {"against": against, "judge": "proxy", "standing": "proxy", "shares": [1.0] * len(shares)}
    compared = [proxy, row | {"length_matched_win_rate": {"value": 0.61}}]
    return {
        "judges": [{"name": "judge", "why": "trained on 3 of the judgments behind policy"}],
        "comparisons": compared,
        "models": WROTE,
    }


def live(world: World) -> int:
    return registry.live_policy(world.session, world.project.id).id


def another_live(world: World) -> ModelVersion:
    """A policy that somebody makes live meanwhile."""
    other = world.model_version("policy", 9)
    other.artifact_sha256, other.parent_id = world.model.artifact_sha256, world.model.id
    world.session.flush()
    registry.promote(world.session, other, actor=None)
    return other


def last(world: World) -> LoopDecision:
    return world.session.scalars(select(LoopDecision).order_by(LoopDecision.id.desc()).limit(1)).one()


def test_a_judge_is_trained_then_it_reads(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    assert (cycle.state, cycle.stage) == ("running", "promotion")
    training = judging.run_of(session, cycle, "reward")
    assert training is not None
    assert training.id != cycle.reward_run_id
    assert training.inputs["models"] == {"base": world.model.id}
    assert training.inputs["judged"] == [cycle.policy_model_version_id, world.model.id]
    moved(world, cycle)
    assert judging.run_of(session, cycle, "evaluate") is None, "it does not read before it is trained"

    done(world, cycle, "reward", GOOD)
    evaluation = judging.run_of(session, cycle, "evaluate")
    assert evaluation is not None
    its_model = session.scalars(select(ModelVersion).where(ModelVersion.run_id == training.id)).one()
    models = evaluation.inputs["models"]
    assert (models["policy"], models["judge"], models["reference"]) == (
        cycle.policy_model_version_id,
        its_model.id,
        world.model.id,
    )
    assert models["proxy"] != its_model.id
    prompts = list(session.scalars(select(Prompt).where(Prompt.id.in_(evaluation.inputs["prompt_ids"]))))
    assert len({prompt.group_hash for prompt in prompts}) == PROMPTS
    assert {prompt.split for prompt in prompts} == {"validation", "test"}
    assert evaluation.config["max_new_tokens"] == session.get_one(Run, cycle.ppo_run_id).config["max_new_tokens"]
    assert last(world).text == (
        "Reward model 2 judges Policy 1 beside tiny on 60 held-out prompts: it is trained on 0 comparisons held back "
        "for it, right on 71% (62%–79%) of 88 decided held-out pairs."
    )


def test_a_better_policy_is_promoted_with_its_numbers(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    evaluation = done(world, cycle, "evaluate", evaluated([0.75] * PROMPTS))
    assert (live(world), cycle.state, cycle.stage) == (cycle.policy_model_version_id, "running", "sample")
    told = last(world)
    assert told.text == (
        "Policy 1 promoted: Reward model 2, which had no part in either, prefers its answers to those of live (tiny) "
        "in 75.0% of pairs on 60 held-out prompts, bounds 68.7% and 77.1%; the rule asks for a lower bound above 50% "
        "(gate 1, error 3.04%); 61.0% among answers of the same length; 3.13 nats from tiny (standard error 0.21), "
        "31 tokens an answer, live 24."
    )
    kept = told.numbers["judge"]
    assert (kept["verdict"], kept["live_id"], kept["evaluation_run_id"]) == ("better", world.model.id, evaluation.id)
    assert kept["skill"]["accuracy"] == 0.71
    assert told.numbers["drift"] == {
        "kl": 3.126,
        "kl_standard_error": 0.208,
        "tokens": 31.4,
        "live_tokens": 24.0,
        "from_id": world.model.id,
    }
    its_model = session.get_one(ModelVersion, kept["judge_id"])
    assert its_model.stage == "archived", "a judge is put away: no policy is to be trained with it"
    assert registry.live_reward(session, world.project.id).id == cycle.reward_model_version_id


def test_a_worse_policy_is_refused_and_the_cycle_ends(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    done(world, cycle, "evaluate", evaluated([0.25] * PROMPTS))
    assert (cycle.state, cycle.stage, live(world)) == ("succeeded", "done", world.model.id)
    assert session.get_one(ModelVersion, cycle.policy_model_version_id).stage == "archived"
    assert decisions(session)[-1].startswith("Policy 1 not promoted: Reward model 2, which had no part in either,")


def test_without_enough_evidence_a_person_is_asked(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    done(world, cycle, "evaluate", evaluated([0.6, 0.45] * (PROMPTS // 2)))
    assert (cycle.state, cycle.stage, live(world)) == ("waiting", "promotion", world.model.id)
    assert decisions(session)[-1].startswith("Policy 1: not enough evidence: Reward model 2")
    assert "needs about" in decisions(session)[-1]
    assert decisions(session)[-1].endswith("A person may decide; until then tiny stays live.")
    service.decide_promotion(session, cycle.id, accept=True, actor=world.person("admin"))
    assert live(world) == cycle.policy_model_version_id


def test_every_look_that_could_have_passed_spends_error(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    done(world, cycle, "evaluate", evaluated([0.5] * PROMPTS))
    assert judging.next_number(session, world.project.id) == 2
    service.decide_promotion(session, cycle.id, accept=False, actor=world.person("admin"))
    assert judging.next_number(session, world.project.id) == 2


@pytest.mark.parametrize("report", [COIN, {"judged": None}])
def test_a_judge_that_is_no_better_than_a_coin_reads_nothing(
    session: Session, world: World, report: dict[str, Any]
) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", report)
    assert judging.run_of(session, cycle, "evaluate") is None
    assert (cycle.state, live(world)) == ("waiting", world.model.id)
    assert "Reward model 2 is no better a judge than a coin as far as anybody knows" in decisions(session)[-1]


def test_the_training_model_promotes_nothing_nor_does_a_judge_that_shares_judgments(
    session: Session, world: World
) -> None:
    """The proxy finds it better on every prompt."""
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    done(world, cycle, "evaluate", evaluated([1.0] * PROMPTS, standing="proxy"))
    assert (cycle.state, live(world)) == ("waiting", world.model.id)
    assert decisions(session)[-1] == (
        "Policy 1 was not judged: Reward model 2 may not judge it: trained on 3 of the judgments behind policy. "
        "A person may decide; until then tiny stays live."
    )


def test_a_failed_judge_leaves_it_to_a_person(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    training = judging.run_of(session, cycle, "reward")
    assert training is not None
    held = leases.claim(session, training.id, owner="test", lease_seconds=60)
    assert held is not None
    leases.fail(session, held, Failure(reason="bad_data", error="there are no comparisons.\n\nlog"))
    moved(world, cycle)
    assert (cycle.state, cycle.stage) == ("waiting", "promotion")
    assert f"the judge's reward run {training.id} did not succeed (there are no comparisons.)" in decisions(session)[-1]


def test_too_few_held_out_prompts_leave_it_to_a_person(session: Session, world: World) -> None:
    for prompt in session.scalars(select(Prompt).where(Prompt.split != "train").offset(49)):
        prompt.state = "retired"
    cycle = at_promotion(world)
    assert (cycle.state, judging.run_of(session, cycle, "reward")) == ("waiting", None)
    assert "49 held-out prompts of different groups, a judge needs 50" in decisions(session)[-1]


def test_a_verdict_on_what_is_no_longer_live_promotes_nothing(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    done(world, cycle, "reward", GOOD)
    other = another_live(world)
    done(world, cycle, "evaluate", evaluated([1.0] * PROMPTS))
    assert (cycle.state, live(world)) == ("waiting", other.id)


@pytest.mark.parametrize("kind", ["reward", "evaluate"])
def test_what_a_person_makes_live_meanwhile_ends_the_judging(session: Session, world: World, kind: str) -> None:
    cycle = at_promotion(world)
    if kind == "evaluate":
        done(world, cycle, "reward", GOOD)
    version = session.get_one(ModelVersion, cycle.policy_model_version_id)
    registry.promote(session, version, actor=world.person("admin"))
    moved(world, cycle)
    assert (cycle.state, cycle.stage, live(world)) == ("running", "sample", version.id)
    run = judging.run_of(session, cycle, kind)
    assert run is not None
    assert run.state == "cancelled"


def test_cancelling_the_cycle_stops_the_judge(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    run = judging.run_of(session, cycle, "reward")
    assert run is not None
    assert (cycle.state, run.state) == ("cancelled", "cancelled")
    with pytest.raises(Unprocessable, match="held back for a judge is apart"):
        datasets.freeze_judgments(session, project_id=world.project.id, created_by=None, part=_part(world, run))


def _part(world: World, run: Run) -> Any:
    return holding_back.part_of(world.session, world.project.id, run.inputs)


def judged_by(world: World, people: int, tasks: int) -> None:
    """So many people judge so many tasks each, on train prompts whose groups are the same in every run of the test."""
    for person in [world.person() for _ in range(people)]:
        for number in range(tasks):
            world.task(prompt=world.prompt(text=f"Matter {number} of person {world.people.index(person)}?"))
            submit(world.session, take(world, person), person)


@pytest.mark.parametrize("apart", [True, False])
def test_reward_model_and_judge_share_no_prompt_and_where_asked_no_person(
    session: Session, tmp_path: Path, apart: bool
) -> None:
    world = a_stocked_world(session, tmp_path / "base")
    settings(world, promotion="judge", judge_people_apart=apart)
    judged_by(world, people=5, tasks=8)
    policy = world.model_version("policy", 1)
    reward, judges = (
        frozen(world, inputs) for inputs in ({}, {"purpose": "judge", "judged": [policy.id, world.model.id]})
    )
    groups = {name: {prompt.group_hash for prompt, _ in rows} for name, rows in (("r", reward), ("j", judges))}
    assert groups["r"]
    assert groups["j"]
    assert not groups["r"] & groups["j"]
    assert all(is_held_back(group.hex()) for group in groups["j"])
    people = [{annotator for _, annotator in rows} for rows in (reward, judges)]
    assert bool(people[0] & people[1]) is not apart
    assert len(reward) + len(judges) == 40 if not apart else len(reward) + len(judges) < 40


def frozen(world: World, inputs: dict[str, Any]) -> list[tuple[Prompt, int]]:
    """The prompts and annotators of the judgments that a run with these inputs learns from."""
    session = world.session
    part = holding_back.part_of(session, world.project.id, inputs)
    snapshot = datasets.freeze_judgments(session, project_id=world.project.id, created_by=None, part=part)
    return held_by(session, snapshot)


def held_by(session: Session, snapshot: DatasetSnapshot) -> list[tuple[Prompt, int]]:
    rows = session.execute(
        select(Prompt, Ranking.annotator_id)
        .join(Task, Task.prompt_id == Prompt.id)
        .join(Ranking, Ranking.task_id == Task.id)
        .join(SnapshotRanking, SnapshotRanking.ranking_id == Ranking.id)
        .where(SnapshotRanking.snapshot_id == snapshot.id)
    )
    return list(rows.tuples())


def test_what_is_behind_a_policy_is_never_its_judges(session: Session, tmp_path: Path) -> None:
    """The project trained on everything before it asked for a judge: only what came since is the judge's."""
    world = a_stocked_world(session, tmp_path / "base")
    judged_by(world, people=2, tasks=10)
    before = datasets.freeze_judgments(session, project_id=world.project.id, created_by=None)
    policy = world.model_version("policy", 1)
    policy.dataset_snapshot_id = before.id
    settings(world, promotion="judge", judge_people_apart=False)
    inputs = {"purpose": "judge", "judged": [policy.id, world.model.id]}
    with pytest.raises(Unprocessable, match="apart from the policy"):
        frozen(world, inputs)
    judged_by(world, people=1, tasks=12)
    new = frozen(world, inputs)
    assert new
    known = {prompt.id for prompt, _ in held_by(session, before)}
    assert not known & {prompt.id for prompt, _ in new}
    judge = world.model_version("reward", 5)
    judge.dataset_snapshot_id = session.scalars(
        select(DatasetSnapshot.id).order_by(DatasetSnapshot.id.desc()).limit(1)
    ).one()
    session.flush()
    assert lineage.shared_judgments(session, judge.id, policy.id) == 0


@pytest.mark.parametrize("rule", ["manual", "automatic", "blind"])
def test_where_no_judge_promotes_everything_is_learnt_from(session: Session, tmp_path: Path, rule: str) -> None:
    world = with_judgments(a_stocked_world(session, tmp_path / "base"))
    settings(world, promotion=rule)
    assert holding_back.part_of(session, world.project.id, {}) is None


def test_a_run_that_a_person_cancels_leaves_it_to_a_person(session: Session, world: World) -> None:
    cycle = at_promotion(world)
    training = judging.run_of(session, cycle, "reward")
    assert training is not None
    runs.cancel(session, training.id, actor=None)
    moved(world, cycle)
    assert (cycle.state, cycle.stage) == ("waiting", "promotion")
    assert "it was cancelled" in decisions(session)[-1]
