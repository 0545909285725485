"""Known answers over HTTP: made from a task or from completions, listed with how people did, retired."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.tasks.tables import Task, TaskSlot
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world, judge_known, known_answer, shown_of, submit, take

OpenClient = Callable[..., TestClient]


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def admin(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person("admin", "Grace"))


def path(world: World, rest: str = "") -> str:
    return f"/api/v1/projects/{world.project.id}/known-answers{rest}"


def save(admin: TestClient, world: World, **said: Any) -> Any:
    return admin.post(path(world), json={"purpose": "gold", **said})


def test_a_known_answer_from_completions_has_no_slots(world: World, admin: TestClient) -> None:
    prompt = world.prompt(text="What is rain?")
    a, b, c = world.completions(prompt, 3)
    answer = save(
        admin, world, prompt_id=prompt.id, completion_ids=[a, b, c], tiers=[[c], [b, a]], explanation="c is right"
    )
    assert answer.status_code == 201
    row = answer.json()
    assert (row["purpose"], row["tiers"], row["explanation"]) == ("gold", [[c], [a, b]], "c is right")
    assert [one["id"] for one in row["completions"]] == [a, b, c]
    assert all(one["text"].startswith("Answer") for one in row["completions"])
    assert (row["prompt_excerpt"], row["judged"], row["mean_agreement"]) == ("What is rain?", 0, None)
    assert world.session.scalars(select(TaskSlot).where(TaskSlot.task_id == row["task_id"])).all() == []


def test_a_task_nobody_judged_becomes_gold_itself(world: World, admin: TestClient) -> None:
    task = world.task(overlap=2)
    held = take(world, world.person())
    tiers = [held.shown_order]
    assert save(admin, world, task_id=task.id, tiers=tiers).json()["task_id"] == task.id
    world.session.expire_all()
    assert task.purpose == "gold"
    assert set(world.session.scalars(select(TaskSlot.state).where(TaskSlot.task_id == task.id))) == {"closed"}
    assert submit(world.session, held, world.people[-1]).body["extra"] is False
    assert save(admin, world, task_id=task.id, tiers=tiers, purpose="practice").json()["task_id"] == task.id
    assert [one["purpose"] for one in admin.get(path(world)).json()["items"]] == ["practice"]


def test_a_judged_task_stays_data_and_a_new_one_is_gold(world: World, admin: TestClient) -> None:
    task, annotator = world.task(), world.person()
    assignment = take(world, annotator)
    submit(world.session, assignment, annotator)
    made = save(admin, world, task_id=task.id, tiers=[[one] for one in assignment.shown_order]).json()
    assert made["task_id"] != task.id
    assert world.session.scalars(select(Task.purpose).order_by(Task.id)).all() == ["collect", "gold"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"tiers": []}, "body"),
        ({"tiers": [], "task_id": 1, "prompt_id": 1}, "body"),
        ({"tiers": [], "task_id": 10**12}, "task_id"),
        ({"tiers": [], "prompt_id": 10**12, "completion_ids": [1, 2]}, "prompt_id"),
    ],
)
def test_what_a_known_answer_is_about_must_be_there(
    world: World, admin: TestClient, said: dict[str, Any], field: str
) -> None:
    refusal = save(admin, world, **said)
    assert refusal.status_code in {404, 422}
    assert refusal.json()["field"] == field


def test_an_order_must_fit_its_completions(world: World, admin: TestClient) -> None:
    prompt, other = world.prompt(), world.prompt()
    ids, foreign = world.completions(prompt, 2), world.completions(other, 1)
    here = {"prompt_id": prompt.id}
    assert save(admin, world, **here, completion_ids=ids, tiers=[ids[:1]]).json()["field"] == "tiers"
    assert save(admin, world, **here, completion_ids=ids[:1], tiers=[ids[:1]]).json()["field"] == "completion_ids"
    mixed = [*ids, *foreign]
    assert save(admin, world, **here, completion_ids=mixed, tiers=[mixed]).json()["field"] == "completion_ids"
    twice = [ids[0], ids[0]]
    assert save(admin, world, **here, completion_ids=twice, tiers=[ids]).json()["field"] == "completion_ids"
    world.project.settings = {"ties_allowed": False}
    assert save(admin, world, **here, completion_ids=ids, tiers=[ids]).json()["field"] == "tiers"


def test_the_list_says_how_people_did_and_forgets_the_retired(world: World, admin: TestClient) -> None:
    known = known_answer(world, world.people[0])
    (a,), (b,), (c,), (d,) = known.answer.tiers
    judge_known(world, known, world.person())
    judge_known(world, known, world.person(), [[a], [b], [c, d]])
    (row,) = admin.get(path(world, "?purpose=gold")).json()["items"]
    assert (row["judged"], row["mean_agreement"]) == (2, pytest.approx((1 + 5 / 6) / 2, abs=1e-3))
    assert admin.get(path(world, "?purpose=practice")).json()["items"] == []
    assert admin.delete(path(world, f"/{row['task_id']}")).status_code == 204
    assert admin.get(path(world)).json()["items"] == []
    assert admin.delete(path(world, f"/{world.task().id}")).status_code == 404


def test_own_agreement_is_told_from_five_judgments_on(world: World, admin: TestClient, client: OpenClient) -> None:
    annotator = world.person()
    world.project.settings = {"edit_window_minutes": 0}
    page = browser(client, world.session, annotator)
    progress = f"/api/v1/projects/{world.project.id}/my-progress"
    for number in range(5):
        assert page.get(progress).json()["gold"] is None
        known = known_answer(world, world.people[0])
        judge_known(world, known, annotator, [shown_of(known)] if number == 0 else None)
    assert page.get(progress).json()["gold"] == {"judged": 5, "agreement": 0.8}
    world.project.settings = {"edit_window_minutes": 60}
    assert page.get(progress).json()["gold"] is None, "what can be edited still would tell which task is gold"
