"""How the policy has moved: the figures of each version, who said what of it, and the same prompts side by side."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func
from sqlalchemy.orm import Session

from app.loop.tables import BlindComparison
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world
from tests.app.loop.blind_stage import held_out
from tests.app.loop.drift_stage import a_reward_model, a_step, a_way, evaluated

PROMPTS = 10
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def world(session: Session) -> World:
    """A project with held-out prompts."""
    return held_out(a_world(session), PROMPTS)


@pytest.fixture
def way(world: World) -> list[ModelVersion]:
    """A base and two policies that came after it."""
    return a_way(world)


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


@pytest.fixture
def drift(rosa: TestClient, world: World) -> Read:
    """What the page reads, and `drift(version=…, beside=…)` for two versions' answers."""

    def read(**two: ModelVersion) -> dict[str, Any]:
        of = {f"{name}_id": one.id for name, one in two.items()}
        answer = rosa.get(f"/api/v1/projects/{world.project.id}/drift{'/completions' if two else ''}", params=of)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    return read


def row(shown: dict[str, Any], version: ModelVersion) -> dict[str, Any]:
    return next(one for one in shown["versions"] if one["version"]["id"] == version.id)


def test_each_version_stands_with_its_figures_in_the_order_of_their_making(
    world: World, way: list[ModelVersion], drift: Read
) -> None:
    base, first, second = way
    reward = a_reward_model(world, 1)
    evaluated(world, {"policy": first, "reference": base, "proxy": reward})
    writes = {
        "policy": (4.0, 2.5, 17, False),
        "reference": (None, 0.0, 12, True),
        "rival": (2.0, 1.5, 16, True),
    }
    latest = evaluated(world, {"policy": second, "reference": base, "rival": first, "proxy": reward}, writes=writes)

    shown = drift()

    assert (shown["prompts"], shown["unmeasured"], shown["measuring"]) == (PROMPTS, [], [])
    assert [one["version"]["name"] for one in shown["versions"]] == ["tiny", "Policy 1", "Policy 2"]
    assert [one["before_id"] for one in shown["versions"]] == [None, base.id, first.id]
    assert all(one["measured"]["comparable"] for one in shown["versions"])
    newest = row(shown, second)
    figures, told = newest["measured"], latest.result["report"]["models"]["policy"]
    assert (figures["run_id"], figures["prompts"], figures["reference_id"]) == (latest.id, PROMPTS, base.id)
    assert figures["kl"] == told["kl"]
    assert figures["kl"]["value"] == pytest.approx(4.0, abs=0.1)
    assert figures["tokens"] == told["tokens"]
    assert figures["tokens"]["value"] == 17.5
    assert figures["stopped"] == 0
    for name in ("empty", "repetition", "distinct_1", "distinct_2"):
        assert figures[name] == told[name], name
    assert figures["reward"]["by_id"] == reward.id
    assert figures["reward"]["value"] == pytest.approx(2.5, abs=0.1)
    assert newest["against_before"]["against_id"] == first.id
    assert newest["against_before"]["value"] == pytest.approx(1.0)
    assert newest["against_first"]["against_id"] == base.id
    assert (newest["against_first"]["by"], newest["against_first"]["judge_id"]) == ("proxy", reward.id)
    # The base wrote beside them: it has figures of its own, at no distance from itself, and nothing to win against.
    start = row(shown, base)
    assert start["measured"]["kl"] == {"value": 0, "standard_error": 0, "per_token": 0}
    assert start["measured"]["tokens"]["value"] == 12.5
    assert (start["against_before"], start["against_first"], start["measured"]["reward"]) == (None, None, None)
    # Policy 1 was the rival in the newer run, where its reward is not told; what counts is the run about itself.
    assert row(shown, first)["measured"]["reward"]["value"] == pytest.approx(1.5, abs=0.1)


def test_a_candidate_stands_at_the_end_and_what_was_refused_nowhere(
    world: World, way: list[ModelVersion], drift: Read
) -> None:
    waiting = a_step(world, 3, way[-1], stage="candidate")
    refused = a_step(world, 4, way[-1])
    refused.promoted_at = None
    after = a_step(world, 5, way[-1])
    world.session.flush()
    shown = drift()
    assert [one["version"]["name"] for one in shown["versions"]] == ["tiny", *(f"Policy {n}" for n in (1, 2, 3, 5))]
    assert row(shown, waiting)["version"]["stage"] == "candidate"
    assert row(shown, after)["before_id"] == way[-1].id, "a candidate was never the one before"


def test_going_back_to_a_version_moves_it_nowhere(world: World, way: list[ModelVersion], drift: Read) -> None:
    way[1].promoted_at = func.now() + func.make_interval(0, 0, 0, 1)
    world.session.flush()
    assert [one["version"]["id"] for one in drift()["versions"]] == [one.id for one in way]


def test_who_says_it_counts_more_than_when(world: World, way: list[ModelVersion], drift: Read) -> None:
    base, first, second = way
    reward, judge = a_reward_model(world, 1), a_reward_model(world, 2)
    models = {"policy": second, "reference": base, "rival": first}
    people = a_vote(world, second, first, evaluated(world, models | {"proxy": reward}))
    by_judge = evaluated(world, models | {"judge": judge, "proxy": reward}, standing="judge")
    evaluated(world, models | {"judge": judge}, standing="proxy")
    told = row(drift(), second)
    assert (told["against_before"]["by"], told["against_before"]["run_id"]) == ("people", people.run_id)
    assert (told["against_before"]["value"], told["against_before"]["number"]) == (0.75, 40)
    assert told["against_before"]["low"] < 0.75 < told["against_before"]["high"]
    assert (told["against_first"]["by"], told["against_first"]["judge_id"]) == ("judge", judge.id)
    assert told["against_first"]["run_id"] == by_judge.id


def a_vote(world: World, candidate: ModelVersion, rival: ModelVersion, run: Run) -> BlindComparison:
    """What people said of two versions, in 40 decided votes."""
    said = BlindComparison(
        project_id=world.project.id, candidate_id=candidate.id, rival_id=rival.id, run_id=run.id, prompts=40,
        state="finished", verdict="better", error=0.05, wins=30, losses=10, finished_at=func.now(),
    )  # fmt: skip
    world.session.add(said)
    world.session.flush()
    return said


def test_figures_on_other_prompts_or_settings_are_said_to_be_no_measure(
    world: World, way: list[ModelVersion], drift: Read
) -> None:
    base, first, second = way
    on_the_basis = evaluated(world, {"policy": first, "reference": base})
    evaluated(world, {"policy": first, "reference": base}, prompt_ids=[world.prompt("test").id])
    evaluated(world, {"policy": second, "reference": base}, max_new_tokens=7)
    world.project.settings = {"loop": {"reference_prompts": PROMPTS}}
    world.session.flush()
    shown = drift()
    assert row(shown, first)["measured"]["run_id"] == on_the_basis.id, (
        "newer figures on other prompts do not replace it"
    )
    assert row(shown, first)["measured"]["comparable"]
    assert not row(shown, second)["measured"]["comparable"]
    assert shown["unmeasured"] == [second.id]


def test_the_same_prompts_stand_side_by_side(world: World, way: list[ModelVersion], drift: Read) -> None:
    base, first, second = way
    one = evaluated(world, {"policy": first, "reference": base})
    evaluated(world, {"policy": second, "reference": base, "rival": first})
    shown = drift(version=second, beside=first)
    assert (shown["version_id"], shown["beside_id"]) == (second.id, first.id)
    asked = one.inputs["prompt_ids"][:8]
    assert [pair["prompt_id"] for pair in shown["pairs"]] == asked
    for pair in shown["pairs"]:
        assert pair["prompt"] == f"Question {pair['prompt_id']}?"
        assert pair["version"]["text"].startswith(f"Policy 2 on {pair['prompt_id']}:")
        assert pair["beside"]["text"].startswith(f"Policy 1 on {pair['prompt_id']}:")
        assert pair["version"]["kl"] == pytest.approx(2.0, abs=0.11)
    assert drift(version=first, beside=base)["pairs"][0]["beside"]["kl"] is None


def test_a_prompt_that_was_taken_back_is_not_shown(world: World, way: list[ModelVersion], drift: Read) -> None:
    base, first, _ = way
    run = evaluated(world, {"policy": first, "reference": base})
    gone = run.inputs["prompt_ids"][0]
    world.session.get_one(Prompt, gone).state = "retired"
    world.session.flush()
    pairs = drift(version=first, beside=base)["pairs"]
    assert gone not in {pair["prompt_id"] for pair in pairs}
    assert len(pairs) == 7


def test_versions_that_were_asked_nothing_in_common_have_nothing_side_by_side(
    world: World, way: list[ModelVersion], drift: Read
) -> None:
    base, first, second = way
    evaluated(world, {"policy": first, "reference": base})
    evaluated(world, {"policy": second}, prompt_ids=[world.prompt("test").id])
    assert drift(version=second, beside=first)["pairs"] == []
    assert drift(version=second, beside=second)["pairs"] != []


def test_another_projects_version_is_not_there(rosa: TestClient, world: World, way: list[ModelVersion]) -> None:
    foreign = a_world(world.session)
    two = {"version_id": foreign.model.id, "beside_id": way[0].id}
    answer = rosa.get(f"/api/v1/projects/{world.project.id}/drift/completions", params=two)
    assert answer.status_code == 404


def test_a_report_of_another_version_has_no_figures_and_breaks_nothing(
    world: World, way: list[ModelVersion], drift: Read
) -> None:
    broken = evaluated(world, {"policy": way[1], "reference": way[0]})
    broken.result = {"artifact": None, "metrics": {}, "report": {"models": {"policy": {}}, "comparisons": "none"}}
    world.session.flush()
    told = row(drift(), way[1])["measured"]
    assert (told["kl"], told["tokens"], told["stopped"], told["prompts"]) == (None, None, None, 0)
