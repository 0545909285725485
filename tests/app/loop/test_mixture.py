"""Who writes the completions of new tasks: the shares of the settings, drawn by the run's seed."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.loop import mixture, pool
from app.projects.settings import WritersSettings
from app.registry.tables import ModelVersion
from app.runs import leases
from app.tasks.tables import TaskCompletion
from tests.app.judgment_rows import World
from tests.app.loop.blind_stage import a_policy, line
from tests.app.loop.test_cycle import settings
from tests.workers.jobs.stage import a_stocked_world
from workers.jobs import sample
from workers.jobs import sample_plan as plan

MANY = 4000


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    return a_stocked_world(session, tmp_path / "base", prompts=12)


@pytest.fixture
def live(world: World) -> ModelVersion:
    """A live policy, after an older one, with a newer candidate."""
    world.model.stage = "archived"
    world.session.flush()
    older = a_policy(world, 1, "archived")
    older.promoted_at = func.now()
    policy = a_policy(world, 2, "live")
    a_policy(world, 3)
    return policy


def shares_of(world: World, policy: ModelVersion, **shares: float) -> dict[str, tuple[str, float]]:
    found = mixture.writers(world.session, policy, WritersSettings(**shares))
    return {role: (version.name, pytest.approx(share)) for role, (version, share) in found.items()}


def test_every_role_has_its_version_and_share(world: World, live: ModelVersion) -> None:
    assert shares_of(world, live) == {"policy": ("policy-2", 1.0)}
    assert shares_of(world, live, live=50, candidate=20, reference=20, older=10) == {
        "policy": ("policy-2", 0.5),
        "candidate": ("policy-3", 0.2),
        "reference": ("tiny", 0.2),
        "older": ("policy-1", 0.1),
    }


def test_a_writer_that_is_not_there_leaves_its_share_to_the_policy(world: World) -> None:
    everybody = {"live": 1, "candidate": 1, "reference": 1, "older": 1}
    assert shares_of(world, world.model, **everybody) == {"policy": ("tiny", 1.0)}
    a_policy(world, 5).artifact_sha256 = None
    world.session.flush()
    assert shares_of(world, world.model, **everybody) == {"policy": ("tiny", 1.0)}


@pytest.mark.parametrize("total", [2, 4, 9])
def test_shares_hold_on_the_mean_and_nearly_on_every_prompt(total: int) -> None:
    shares = {"policy": 0.55, "candidate": 0.25, "reference": 0.15, "older": 0.05}
    counts: Counter[str] = Counter()
    for prompt_id in range(MANY):
        drawn = plan.drawn(total, shares, seed=7, prompt_id=prompt_id)
        assert sum(drawn.values()) == total
        assert drawn["policy"] >= 1
        assert all(abs(drawn[role] - total * share) < 1 for role, share in shares.items())
        counts.update(drawn)
    for role, share in shares.items():
        # Four standard errors, at most: a prompt's count is one of two neighbours.
        assert counts[role] / MANY == pytest.approx(total * share, abs=4 * 0.5 / MANY**0.5), role


def test_a_small_share_of_the_policy_still_writes_one_of_each() -> None:
    shares = {"policy": 0.1, "reference": 0.9}
    assert {plan.drawn(4, shares, seed=1, prompt_id=one)["policy"] for one in range(200)} == {1}


def test_the_seed_draws_and_nothing_else() -> None:
    shares = {"policy": 0.6, "reference": 0.4}

    def draw(seed: int, order: range) -> dict[int, int]:
        return {one: plan.drawn(4, shares, seed=seed, prompt_id=one)["reference"] for one in order}

    assert draw(1, range(100)) == draw(1, range(99, -1, -1))
    assert draw(1, range(100)) != draw(2, range(100))


def test_the_pool_is_filled_by_the_settings_and_a_resumed_run_draws_the_same(world: World, live: ModelVersion) -> None:
    settings(world, keep_tasks_ready=12, writers={"live": 0.5, "reference": 0.5})
    run = pool.fill(world.session, world.project.id)
    assert run is not None
    assert run.inputs["models"] == {"policy": live.id, "reference": world.model.id}
    assert run.inputs["shares"] == {"policy": 0.5, "reference": 0.5}
    held = leases.claim(world.session, run.id, owner="test", lease_seconds=60)
    assert held is not None
    chosen = plan.choose_prompts(world.session, held)
    asked = list(plan.rows(world.session, held, chosen))
    assert [sum(one["count"] for one in row["requests"]) for row in asked] == [4] * 12
    assert list(plan.rows(world.session, held, chosen)) == asked
    first = asked[0]["prompt_id"]
    for role in ("policy", "reference"):
        for place in range(2):
            said = line(role, first, f"{role} {place}") | {"sample_index": place}
            sample.record(world.session, held, [said])
    assert first not in [row["prompt_id"] for row in plan.rows(world.session, held, chosen)]


def test_a_demonstration_takes_the_place_of_whoever_wrote_most(world: World, live: ModelVersion) -> None:
    """Nine answers and a demonstration are one too many: the one that the policy wrote last, not the reference's."""
    settings(world, keep_tasks_ready=12, writers={"live": 0.8, "reference": 0.2})
    world.project.settings = {**world.project.settings, "completions_per_task": 9}
    run = pool.fill(world.session, world.project.id)
    held = leases.claim(world.session, run.id, owner="test", lease_seconds=60)
    prompt_id = plan.choose_prompts(world.session, held)[0]
    world.session.add(Completion(prompt_id=prompt_id, text="By hand.", role="demonstration", user_id=world.person().id))
    world.session.flush()
    for role, count in (("policy", 7), ("reference", 2)):
        lines = [line(role, prompt_id, f"{role} {place}") | {"sample_index": place} for place in range(count)]
        sample.record(world.session, held, lines)
    cards = select(Completion.model_version_id).join(TaskCompletion, TaskCompletion.completion_id == Completion.id)
    assert Counter(world.session.scalars(cards)) == {live.id: 6, world.model.id: 2, None: 1}


def test_numbers_on_the_desk_do_not_tell_the_writers_apart(world: World, live: ModelVersion) -> None:
    settings(world, keep_tasks_ready=12, writers={"live": 0.5, "reference": 0.5})
    run = pool.fill(world.session, world.project.id)
    held = leases.claim(world.session, run.id, owner="test", lease_seconds=60)
    prompt_ids = plan.choose_prompts(world.session, held)
    for role in ("policy", "reference"):
        said = [
            line(role, one, f"{role} {place}") | {"sample_index": place} for one in prompt_ids for place in range(2)
        ]
        sample.record(world.session, held, said)
    shown = world.session.execute(
        select(TaskCompletion.task_id, Completion.model_version_id)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .order_by(TaskCompletion.task_id, Completion.id)
    )
    by_task: dict[int, list[int]] = {}
    for task_id, author in shown:
        by_task.setdefault(task_id, []).append(author)
    assert len(by_task) == 12
    as_written = [live.id, live.id, world.model.id, world.model.id]
    # One order in six puts the policy's two first: all twelve tasks do with a chance of one in two billion.
    assert any(authors != as_written for authors in by_task.values())
