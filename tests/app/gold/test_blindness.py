"""Nobody can tell a gold task from another: every answer an annotator gets of both has the same shape and words."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.desk import service as desk
from app.tasks.tables import KnownAnswer
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world, known_answer

OpenClient = Callable[..., TestClient]
FORBIDDEN = ("gold", "known", "purpose_is", "score", "reward", "model_version", "names_model", "explanation", "overlap")


SAME = ("revision", "extra", "comparisons", "feedback", "progress")


class Lot(Random):
    """Chance that always says the same about gold."""

    drawn = 0.0

    def random(self) -> float:
        return Lot.drawn


@pytest.fixture
def world(session: Session, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(desk, "SystemRandom", Lot)
    world = a_world(session, gold_rate=0.5)
    world.task(), world.task(), world.task()
    known_answer(world, world.person("admin"), explanation="Because the first one is right.")
    return world


def work(page: TestClient, world: World, *, gold: bool) -> dict[str, Any]:
    """Everything an annotator's page asks for around one task; answers by what was asked."""
    Lot.drawn = 0.0 if gold else 0.99
    project, answers = f"/api/v1/projects/{world.project.id}", {}
    answers["claim"] = page.post(f"{project}/tasks/claim", json={})
    found = answers["claim"].json()["assignment"]
    assignment = f"/api/v1/assignments/{found['id']}"
    tiers = [[one["id"]] for one in found["completions"]]
    headers = {"Idempotency-Key": f"a-key-of-its-own-{found['id']}"}
    answers["draft"] = page.put(f"{assignment}/draft", json={"tiers": tiers, "sequence": 1})
    answers["heartbeat"] = page.post(f"{assignment}/heartbeat")
    answers["skip"] = page.post(f"{assignment}/skip", json={"reason": "unclear"})
    answers["take up again"] = page.post(f"{assignment}/reopen")
    answers["demonstration"] = page.post(f"{assignment}/demonstration", json={"text": "a b c"}, headers=headers)
    answers["wrong"] = page.post(f"{assignment}/ranking", json={"tiers": tiers[:1]}, headers=headers)
    answers["submit"] = page.post(f"{assignment}/ranking", json={"tiers": tiers}, headers=headers)
    answers["again"] = page.post(f"{assignment}/ranking", json={"tiers": tiers}, headers=headers)
    answers["skip late"] = page.post(f"{assignment}/skip")
    answers["reopen"] = page.post(f"{assignment}/reopen")
    answers["revise"] = page.post(
        f"{assignment}/ranking",
        json={"tiers": tiers[::-1]},
        headers={"Idempotency-Key": f"{headers['Idempotency-Key']}b"},
    )
    answers["report"] = page.post(f"{assignment}/report", json={"reason": "unclear", "note": ""})
    answers["progress"] = page.get(f"{project}/my-progress")
    answers["history"] = page.get(f"{project}/my-rankings")
    return answers


def known_task(world: World, claim: Any) -> bool:
    """Whether what was claimed is the gold task."""
    return world.session.get(KnownAnswer, claim.json()["assignment"]["task_id"]) is not None


def shape(value: Any) -> Any:
    """The value with kinds in place of what it says: keys stay, lists keep the shapes of their items."""
    if isinstance(value, dict):
        return {("id" if key.isdigit() else key): shape(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [shape(inside) for inside in value]
    return value if isinstance(value, bool) else type(value).__name__


def words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inside in value.values():
            yield from words(inside)
    if isinstance(value, list):
        for inside in value:
            yield from words(inside)
    if isinstance(value, str):
        yield value


def test_gold_and_other_tasks_look_the_same(world: World, client: OpenClient) -> None:
    usual = work(browser(client, world.session, world.person()), world, gold=False)
    gold = work(browser(client, world.session, world.person()), world, gold=True)
    assert [known_task(world, one["claim"]) for one in (usual, gold)] == [False, True]
    for name in ("submit", "again", "revise"):
        assert [gold[name].json()[one] for one in SAME] == [usual[name].json()[one] for one in SAME], name
    assert {one: answer.status_code for one, answer in gold.items()} == {
        one: answer.status_code for one, answer in usual.items()
    }
    for name, answer in gold.items():
        bodies = [json.loads(one.content or "null") for one in (answer, usual[name])]
        assert shape(bodies[0]) == shape(bodies[1]), name
        assert sorted(answer.headers) == sorted(usual[name].headers), name
        if answer.status_code >= 400:
            said = [(one["type"], one["title"], one.get("advice")) for one in bodies]
            assert said[0] == said[1], name


def test_no_answer_says_who_wrote_or_what_is_known(world: World, client: OpenClient) -> None:
    for gold in (True, False):
        answers = work(browser(client, world.session, world.person()), world, gold=gold)
        assert answers["claim"].json()["assignment"]["purpose"] == "collect"
        for name, answer in answers.items():
            body = json.loads(answer.content or "null")
            told = json.dumps(body).replace('"gold": null', "")
            assert world.model.name not in " ".join(words(body)), name
            assert not any(word in told for word in FORBIDDEN), (name, told)
