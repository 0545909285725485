"""Nobody can tell a blind comparison's task from any other of the project, nor who wrote which answer."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.loop import blind
from app.projects.settings import settings_of
from app.registry.tables import ModelVersion
from app.tasks.tables import Task
from tests.app.cast import OpenClient, browser
from tests.app.gold.test_blindness import FORBIDDEN, SAME, shape, words, work
from tests.app.judgment_rows import World, take
from tests.app.loop.blind_stage import a_policy, a_stage, asked, written
from tests.workers.jobs.stage import launched

TELLING = (*FORBIDDEN, "blind", "candidate", "rival", "policy", "held", "split", "run_id")


@pytest.fixture(params=[4])
def world(session: Session, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return a_stage(session, tmp_path / "base", prompts=30, completions_per_task=request.param)


@pytest.fixture
def candidate(world: World) -> ModelVersion:
    return a_policy(world)


def usual_task(world: World) -> Task:
    """An ordinary task over as many answers of the live model as the project asks for."""
    prompt, cards = world.prompt(), settings_of(world.project).completions_per_task
    return world.task(prompt=prompt, completion_ids=world.completions(prompt, cards))


def purposes(world: World, answers: dict[str, Any]) -> str:
    task_id = answers["claim"].json()["assignment"]["task_id"]
    return world.session.get_one(Task, task_id).purpose


def both(world: World, candidate: ModelVersion, client: OpenClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """All answers around an ordinary task, and around one of a blind comparison."""
    usual_task(world)
    usual = work(browser(client, world.session, world.person()), world, gold=False)
    written(world, asked(world, candidate))
    compared = work(browser(client, world.session, world.person()), world, gold=False)
    assert (purposes(world, usual), purposes(world, compared)) == ("collect", "blind")
    return usual, compared


@pytest.mark.parametrize("world", [2, 5], indirect=True)
def test_both_look_the_same(world: World, candidate: ModelVersion, client: OpenClient) -> None:
    usual, compared = both(world, candidate, client)
    for name in ("submit", "again", "revise"):
        assert [compared[name].json()[one] for one in SAME] == [usual[name].json()[one] for one in SAME], name
    for name, answer in compared.items():
        assert answer.status_code == usual[name].status_code, name
        bodies = [json.loads(one.content or "null") for one in (answer, usual[name])]
        assert shape(bodies[0]) == shape(bodies[1]), name
        assert sorted(answer.headers) == sorted(usual[name].headers), name
        if answer.status_code >= 400:
            said = [(one["type"], one["title"], one.get("advice")) for one in bodies]
            assert said[0] == said[1], name


def test_no_answer_says_what_it_is_or_who_wrote(world: World, candidate: ModelVersion, client: OpenClient) -> None:
    for answers in both(world, candidate, client):
        assert answers["claim"].json()["assignment"]["purpose"] == "collect"
        for name, answer in answers.items():
            body = json.loads(answer.content or "null")
            told = json.dumps(body).replace('"gold": null', "")
            assert not {candidate.name, world.model.name} & set(words(body)), name
            assert not any(word in told for word in TELLING), (name, told)


def test_what_an_annotator_may_not_ask(world: World, candidate: ModelVersion, client: OpenClient) -> None:
    comparison = asked(world, candidate)
    annotator = browser(client, world.session, world.person())
    at = f"/api/v1/projects/{world.project.id}/blind-comparisons"
    assert annotator.get(at).status_code == 403
    assert annotator.get(f"{at}/{comparison.id}").status_code == 403
    assert annotator.post(at, json={"candidate_id": candidate.id}).status_code == 403


def test_the_candidate_stands_on_either_side(world: World, candidate: ModelVersion) -> None:
    written(world, asked(world, candidate, prompts=30))
    own = set(world.session.scalars(select(Completion.id).where(Completion.model_version_id == candidate.id)))
    by_place = Counter(take(world, world.person()).shown_order[0] in own for _ in range(30))
    # Claims here show completions in their stored order, which is one of chance already.
    assert min(by_place[True], by_place[False]) >= 2


def test_a_comparison_over_http(world: World, candidate: ModelVersion, client: OpenClient) -> None:
    rosa = browser(client, world.session, world.person("researcher", "Rosa"))
    at, body = f"/api/v1/projects/{world.project.id}/blind-comparisons", {"candidate_id": candidate.id, "prompts": 4}
    key = {"Idempotency-Key": "one-key-for-this-comparison"}
    started = rosa.post(at, json=body, headers=key)
    assert started.status_code == 201, started.text
    assert rosa.post(at, json=body, headers=key).json() == started.json()
    made = started.json()
    assert (made["candidate"], made["rival"], made["state"], made["prompts"]) == ("policy-7", "tiny", "open", 4)
    assert (made["share"], made["low"], made["high"], made["verdict"], made["needed"]) == (None, 0, 1, None, None)
    assert refused(rosa.post(at, json=body)) == (409, "comparison-open")
    assert refused(rosa.post(at, json={"candidate_id": world.model.id})) == (422, "same-version")
    assert [one["id"] for one in rosa.get(at).json()["items"]] == [made["id"]]
    assert [one["id"] for one in rosa.get(f"{at}?model_version_id={world.model.id}").json()["items"]] == [made["id"]]
    assert rosa.get(f"{at}?model_version_id=999999999").json()["items"] == []
    assert evaluated(world, rosa, candidate) == [made["id"]]
    assert evaluated(world, rosa, a_policy(world, 8)) == []
    stopped = rosa.post(f"{at}/{made['id']}/cancel").json()
    assert (stopped["state"], stopped["verdict"]) == ("cancelled", None)
    assert rosa.post(f"{at}/{made['id']}/cancel").json() == stopped
    assert rosa.get(f"{at}/{made['id']}").json() == stopped
    assert rosa.get(f"/api/v1/runs/{made['run_id']}").json()["state"] == "cancelled"
    assert blind.open_comparisons(world.session) == []


def evaluated(world: World, rosa: TestClient, policy: ModelVersion) -> list[int]:
    """The comparisons beside the report of a run that evaluated this policy."""
    run_id = launched(world, "evaluate", models={"policy": policy.id})
    return [one["id"] for one in rosa.get(f"/api/v1/runs/{run_id}/blind-comparisons").json()["items"]]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def test_another_projects_version_is_none_of_ones_own(
    world: World, candidate: ModelVersion, client: OpenClient, session: Session, tmp_path: Path
) -> None:
    other = a_stage(session, tmp_path / "other", prompts=2)
    comparison = asked(world, candidate)
    rosa: TestClient = browser(client, session, other.person("researcher", "Rosa"))
    at = f"/api/v1/projects/{other.project.id}/blind-comparisons"
    assert rosa.get(f"{at}/{comparison.id}").status_code == 404
    assert rosa.post(f"{at}/{comparison.id}/cancel").status_code == 404
    answer = rosa.post(at, json={"candidate_id": candidate.id})
    assert (*refused(answer), answer.json()["field"]) == (422, "no-such-model", "candidate_id")
