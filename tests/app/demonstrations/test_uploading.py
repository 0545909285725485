"""Uploading demonstrations: what a line may be, what is stored of it, and that nothing is stored twice or leaks."""

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.completions.tables import Completion
from app.datasets.demonstrations import freeze_demonstrations, write_demonstration_rows
from app.demonstrations.parsing import WrittenLine, parse
from app.prompts import parsing
from app.prompts.messages import content_hash
from app.prompts.parsing import BadLine
from app.prompts.splits import split_of
from app.prompts.tables import Prompt, PromptSet
from app.runs.tables import Run
from app.tasks.service import create_tasks_for_completed_prompts
from app.tasks.tables import TaskCompletion
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world

ASKED = [{"role": "user", "content": "What is rain?"}]
RAIN = "Water that falls from clouds."


def lines_of(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parsed(*rows: object) -> list[WrittenLine | BadLine]:
    return list(parse(BytesIO(lines_of(*rows)), "jsonl"))


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def rosa(world: World, client: Callable[..., TestClient]) -> TestClient:
    return browser(client, world.session, world.person("researcher", "Rosa"))


def upload(person: TestClient, world: World, content: bytes, name: str = "mine.jsonl", **query: Any) -> dict[str, Any]:
    answer = person.post(
        f"/api/v1/projects/{world.project.id}/demonstrations",
        files={"file": (name, content)},
        data={"source": "our support desk"},
        params=query,
    )
    assert answer.status_code == (200 if query.get("preview") else 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def stored(world: World) -> list[Completion]:
    query = select(Completion).where(Completion.role == "demonstration").order_by(Completion.id)
    return list(world.session.scalars(query))


def test_a_packed_file_of_empty_lines_is_refused_in_words(
    world: World, rosa: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "MOST_LINES", 1000)
    files = {"file": ("mine.jsonl.gz", gzip.compress(b"\n" * 1001, mtime=0))}
    for path in ("demonstrations", "demonstrations?preview=true", "prompt-sets"):
        answer = rosa.post(f"/api/v1/projects/{world.project.id}/{path}", files=files)
        assert (answer.status_code, answer.json()["type"], answer.json()["field"]) == (422, "unreadable-file", "file")
        assert "more than 1,000 lines" in answer.json()["detail"]


def test_a_conversation_may_be_written_in_three_ways() -> None:
    by_text, by_messages, whole = parsed(
        {"prompt": "What is rain?", "completion": RAIN, "group": 7},
        {"messages": ASKED, "completion": RAIN},
        {"messages": [*ASKED, {"role": "assistant", "content": RAIN}], "licence": "CC0-1.0"},
    )
    for line in (by_text, by_messages, whole):
        assert isinstance(line, WrittenLine)
        assert (line.prompt.messages, line.completion) == (ASKED, RAIN)
    assert isinstance(by_text, WrittenLine)
    assert (by_text.prompt.line, by_text.prompt.group) == (1, "7")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "What is rain?"}, "there is no `completion`"),
        ({"messages": ASKED}, "no last message by the assistant"),
        ({"messages": [{"role": "assistant", "content": RAIN}]}, "a conversation has 1 to"),
        ({"completion": RAIN}, "needs `prompt` or `messages`"),
        ({"prompt": "What is rain?", "completion": 7}, "the completion is not a text"),
        ({"prompt": "What is rain?", "completion": " \n"}, "the completion is empty"),
        ({"prompt": "What is rain?", "completion": "a\0b"}, "NUL"),
        ({"prompt": "What is rain?", "completion": "what is  RAIN?"}, "only repeats the prompt"),
        ({"prompt": "What is rain?", "completion": "a" * 65_537}, "longer than 64 KiB"),
        ({"prompt": "", "completion": RAIN}, "message 1 is empty"),
        ([1], "not a JSON object"),
    ],
)
def test_a_line_that_is_none_says_why(row: object, reason: str) -> None:
    (line,) = parsed(row)
    assert isinstance(line, BadLine)
    assert reason in line.reason


def test_an_upload_is_reported_stored_and_counted(world: World, rosa: TestClient) -> None:
    known = world.prompt(text="Where do birds sleep?")
    known.content_hash = content_hash(known.messages)
    world.session.flush()
    content = lines_of(
        {"prompt": "Where do birds sleep?", "completion": "In trees."},
        {"prompt": "What is rain?", "completion": RAIN},
        {"prompt": "What is rain?", "completion": RAIN},
        {"prompt": " What is rain? ", "completion": "Drops of water."},
        {"prompt": "What is rain?"},
    )
    found = upload(rosa, world, content)
    assert {name: found[name] for name in ("lines", "demonstrations", "duplicates", "bad", "new_prompts")} == {
        "lines": 5, "demonstrations": 3, "duplicates": 1, "bad": 1, "new_prompts": 1
    }  # fmt: skip
    assert [(error["line"], error["excerpt"]) for error in found["errors"]] == [(5, '{"prompt": "What is rain?"}')]
    assert sum(found["by_split"].values()) == 3

    written = stored(world)
    assert [one.text for one in written] == ["In trees.", RAIN, "Drops of water."]
    assert {one.user_id for one in written} == {world.people[-1].id}
    assert {one.prompt_set_id for one in written} == {found["prompt_set_id"]}
    assert written[0].prompt_id == known.id
    new = world.session.get_one(Prompt, written[1].prompt_id)
    assert (new.state, new.split, new.line) == ("active", split_of(new.group_hash), 2)
    kept = world.session.get_one(PromptSet, found["prompt_set_id"])
    assert (kept.state, kept.good, kept.bad, kept.duplicates, kept.source) == ("added", 1, 1, 3, "our support desk")
    audited = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "demonstrations.uploaded")).one()
    assert audited.detail["demonstrations"] == 3


def test_the_same_file_again_adds_nothing(world: World, rosa: TestClient) -> None:
    content = gzip.compress(lines_of({"prompt": "What is rain?", "completion": RAIN}))
    first = upload(rosa, world, content, "mine.jsonl.gz")
    again = upload(rosa, world, content, "renamed.ndjson.gz")
    assert (first["demonstrations"], again["demonstrations"], again["duplicates"]) == (1, 0, 1)
    assert len(stored(world)) == 1
    assert world.session.get_one(PromptSet, again["prompt_set_id"]).state == "discarded"


def test_a_preview_reports_the_same_and_keeps_nothing(world: World, rosa: TestClient) -> None:
    content = lines_of({"prompt": "What is rain?", "completion": RAIN}, {"prompt": "x"})
    sets = select(func.count()).select_from(PromptSet)
    before = world.session.scalar(sets)
    seen = upload(rosa, world, content, preview=True)
    assert (stored(world), world.session.scalar(sets)) == ([], before)
    kept = upload(rosa, world, content)
    assert seen | {"prompt_set_id": kept["prompt_set_id"]} == kept


def test_what_is_no_file_of_demonstrations_is_refused_whole(world: World, rosa: TestClient) -> None:
    path = f"/api/v1/projects/{world.project.id}/demonstrations"
    answer = rosa.post(path, files={"file": ("mine.csv", b"prompt,completion\n")})
    assert (answer.status_code, answer.json()["type"], answer.json()["field"]) == (422, "unreadable-file", "file")
    damaged = gzip.compress(lines_of({"prompt": "What is rain?", "completion": RAIN}))[:-12]
    assert rosa.post(path, files={"file": ("mine.jsonl.gz", damaged)}).json()["type"] == "unreadable-file"


def test_uploaded_groups_stay_together_and_test_prompts_unlearnt(
    world: World, rosa: TestClient, tmp_path: Path
) -> None:
    rows = [
        {"prompt": f"Question {group} {copy}?", "completion": f"Answer {group} {copy}.", "group": f"g{group}"}
        for group in range(30)
        for copy in range(2)
    ]
    found = upload(rosa, world, lines_of(*rows))
    splits: dict[bytes, set[str]] = {}
    for prompt in world.session.scalars(select(Prompt).where(Prompt.prompt_set_id == found["prompt_set_id"])):
        splits.setdefault(prompt.group_hash, set()).add(prompt.split)
    assert len(splits) == 30
    assert all(len(one) == 1 for one in splits.values())
    assert found["by_split"]["test"] > 0

    snapshot = freeze_demonstrations(world.session, project_id=world.project.id, created_by=None)
    path = tmp_path / "data.jsonl"
    learnt = write_demonstration_rows(world.session, snapshot_id=snapshot.id, path=path)
    assert learnt == found["by_split"]["train"] + found["by_split"]["validation"] == 60 - found["by_split"]["test"]


def test_uploaded_texts_keep_nobody_from_ranking(world: World, rosa: TestClient) -> None:
    found = upload(rosa, world, lines_of({"prompt": "What is rain?", "completion": RAIN}))
    prompt = world.session.scalars(select(Prompt).where(Prompt.prompt_set_id == found["prompt_set_id"])).one()
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1)
    world.session.add(run)
    world.session.flush()
    sampled = world.completions(prompt, 2)
    for index, completion_id in enumerate(sampled):
        one = world.session.get_one(Completion, completion_id)
        one.run_id, one.sample_index = run.id, index
    world.session.flush()
    opened = create_tasks_for_completed_prompts(
        world.session,
        project_id=world.project.id,
        run_id=run.id,
        completions_per_prompt=2,
        overlap=1,
        demonstrations=True,
    )
    shown = select(TaskCompletion.completion_id).where(TaskCompletion.task_id == opened.task_ids[0])
    assert sorted(world.session.scalars(shown)) == sampled
