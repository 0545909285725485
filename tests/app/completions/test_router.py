"""Completions with their authors, for those who may know."""

from collections.abc import Callable

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.completions.service import SampledCompletion, add_sampled
from tests.app.cast import browser
from tests.app.judgment_rows import a_world


def test_completions_say_who_wrote_them(session: Session, client: Callable[..., TestClient]) -> None:
    world = a_world(session)
    researcher = browser(client, session, world.person("researcher"))
    prompt, other = world.prompt(), world.prompt()
    (sample,) = world.completions(prompt, 1)
    (by_hand,) = world.completions(prompt, 1, author=world.person(name="Grace"))
    world.completions(other, 2)
    path = f"/api/v1/projects/{world.project.id}/completions"
    items = researcher.get(path, params={"prompt_id": prompt.id}).json()["items"]
    assert [(one["id"], one["author"]["kind"], one["author"]["name"], one["role"]) for one in items] == [
        (by_hand, "person", "Grace", "demonstration"),
        (sample, "model_version", "tiny", "sample"),
    ]
    first = researcher.get(path, params={"limit": 3}).json()
    rest = researcher.get(path, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)


def test_tasks_say_how_far_they_are(session: Session, client: Callable[..., TestClient]) -> None:
    world = a_world(session)
    researcher = browser(client, session, world.person("researcher"))
    task = world.task(overlap=2, prompt=world.prompt(text="Why  is\nthe sky " + "so " * 100 + "blue?"))
    (row,) = researcher.get(f"/api/v1/projects/{world.project.id}/tasks").json()["items"]
    assert (row["id"], row["judged"], row["overlap"], row["model_versions"]) == (task.id, 0, 2, ["tiny"])
    assert row["prompt_excerpt"].startswith("Why is the sky so so")
    assert len(row["prompt_excerpt"]) == 160


def test_completions_that_name_their_model_can_be_listed(session: Session, client: Callable[..., TestClient]) -> None:
    world = a_world(session)
    admin = browser(client, session, world.person("admin"))
    written = ("I am SmolLM.", "Ask policy-7 about it.", "Rain is water.", "What is ChatGPT?")
    world.model_version("policy", 7)
    completions = [
        SampledCompletion(
            prompt_id=world.prompt().id, model_version_id=world.model.id, sample_index=index, text=text + "\0"
        )
        for index, text in enumerate(written)
    ]
    assert add_sampled(session, run_id=None, completions=completions) == 4
    path = f"/api/v1/projects/{world.project.id}/completions"
    named, others = (admin.get(path, params={"names_model": one}).json()["items"] for one in (True, False))
    assert [one["text"] for one in named] == [written[1], written[0]]
    assert [one["text"] for one in others] == [written[3], written[2]]
    assert {one["names_model"] for one in named} == {True}
