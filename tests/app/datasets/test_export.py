"""Downloads: the same rows in both formats, from one moment, a few at a time, ended when the reader goes away."""

import asyncio
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets import export as export_module
from app.datasets.export import ExportSlot, JsonLines, Parquet
from app.datasets.router import ExportResponse
from app.db import transaction
from app.errors import ServiceUnavailable
from app.guidelines import service as guidelines
from app.main import create_app
from app.rankings.judgment import Form
from tests.app.cast import program
from tests.app.judgment_rows import World, a_world, submit, take
from tests.conftest import Database

pytestmark = [pytest.mark.commits, pytest.mark.servers]

AWKWARD = 'tab\t "quotes" \\n back\\slash\nnew line \u2028 é 漢 \U0001f600 \x7f end'


@pytest.fixture
def session(committed_database: Database) -> Iterator[Session]:
    """A session that really commits; exports read over connections of their own."""
    with transaction() as session:
        yield session


@pytest.fixture
def world(session: Session) -> World:
    """Two tasks ranked by two people, with a tie, a revision, an awkward text and a demonstration."""
    world = a_world(session)
    first, second = world.person(), world.person()
    prompt = world.prompt(text=AWKWARD)
    by_hand = world.completions(prompt, 1, author=world.person("researcher"))
    world.task(prompt=prompt, completion_ids=[*world.completions(prompt, 2), *by_hand], overlap=2)
    world.task(split="test")
    for annotator in (first, second):
        assignment = take(world, annotator)
        submit(session, assignment, annotator, [assignment.shown_order[:2], assignment.shown_order[2:]])
    last = take(world, first)
    submit(session, last, first)
    submit(session, last, first, [[one] for one in reversed(last.shown_order)])
    session.commit()
    return world


def json_rows(project_id: int) -> list[dict[str, Any]]:
    export = JsonLines(project_id)
    content = b"".join(export.chunks())
    export.close()
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


def parquet_rows(project_id: int) -> list[dict[str, Any]]:
    export = Parquet(project_id)
    content = b"".join(export.chunks())
    export.close()
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


def exporting(database: Database) -> int:
    with database.engine.connect() as connection:
        return connection.scalars(
            text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                 " (SELECT oid FROM pg_database WHERE datname = current_database())")
        ).one()  # fmt: skip


def test_both_formats_hold_the_same_rows(world: World) -> None:
    lines, table = json_rows(world.project.id), parquet_rows(world.project.id)
    for line in lines:
        line["created_at"] = datetime.fromisoformat(line["created_at"])
    assert lines == table
    assert len(lines) == 3 + 3 + 6
    assert [line["comparison_id"] for line in lines] == sorted(line["comparison_id"] for line in lines)


def test_a_row_says_everything_about_its_pair(world: World) -> None:
    lines = json_rows(world.project.id)
    tie = next(line for line in lines if line["tie"])
    assert tie["chosen_id"] < tie["rejected_id"]
    assert tie["prompt"] == [{"role": "user", "content": AWKWARD}]
    decided = next(line for line in lines if line["rejected_model"] == "person")
    assert (decided["chosen_model"], decided["split"], decided["extra"], decided["strength"]) == (
        "tiny",
        "train",
        False,
        None,
    )
    assert (decided["none_acceptable"], decided["guideline_number"]) == (False, None)
    assert decided["chosen"][0]["role"] == "assistant"
    assert decided["chosen"][0]["content"].startswith("Answer")
    assert [line["split"] for line in lines].count("test") == 6  # the revision's, not the first ranking's as well


def test_a_row_says_how_strong_a_preference_is_and_by_which_guidelines(session: Session) -> None:
    world = a_world(session)
    annotator, prompt = world.person(), world.prompt()
    guidelines.save(session, project_id=world.project.id, actor=None, text="Be kind.", basis=None)
    world.task(prompt=prompt, completion_ids=world.completions(prompt, 2))
    form = Form(ask_strength="optional", ask_none_acceptable=True)
    said = {"strength": 4, "none_acceptable": True, "guideline_number": 1}
    submit(session, take(world, annotator), annotator, form=form, **said)
    session.commit()
    for (row,) in (json_rows(world.project.id), parquet_rows(world.project.id)):
        assert {name: row[name] for name in said} == said


def test_an_empty_project_is_an_empty_file(world: World, session: Session) -> None:
    empty = a_world(session)
    session.commit()
    assert json_rows(empty.project.id) == []
    assert parquet_rows(empty.project.id) == []


def test_a_download_sees_one_moment(world: World, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "CHUNK_BYTES", 1)
    export = JsonLines(world.project.id)
    chunks = export.chunks()
    before = [next(chunks)]
    world.task()
    submit(session, take(world, world.people[1]), world.people[1])
    session.commit()
    content = b"".join([*before, *chunks]).splitlines()
    export.close()
    assert len(content) == 12
    assert len(json_rows(world.project.id)) == 18


def test_downloads_have_slots_and_give_them_back(world: World, committed_database: Database) -> None:
    slots = [ExportSlot(), ExportSlot()]
    with pytest.raises(ServiceUnavailable) as refusal:
        ExportSlot()
    assert refusal.value.retry_after_seconds == 5
    for slot in slots:
        slot.close()
    again = ExportSlot()
    assert exporting(committed_database) == 1
    again.close()


def test_a_slot_that_was_given_back_a_moment_ago_is_there(world: World) -> None:
    for _ in range(40):
        ExportSlot().close()


@pytest.mark.parametrize("export_class", [JsonLines, Parquet])
def test_a_reader_who_goes_away_ends_the_query(
    world: World,
    committed_database: Database,
    export_class: type[JsonLines | Parquet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_module, "CHUNK_BYTES", 1)
    export = export_class(world.project.id)
    sent = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0.04)

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    asyncio.run(ExportResponse(export, {})(scope, receive, send))
    assert 0 < len(sent) < 5
    assert not any(message.get("more_body") is False for message in sent)
    assert exporting(committed_database) == 0


def test_over_http_with_a_token(world: World, session: Session) -> None:
    researcher = world.person("researcher")
    reader = program(lambda: TestClient(create_app()), session, researcher)
    annotator = program(lambda: TestClient(create_app()), session, world.people[0])
    session.commit()
    path = f"/api/v1/projects/{world.project.id}/comparisons"
    lines = reader.get(path)
    assert lines.status_code == 200
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.headers["content-disposition"] == f'attachment; filename="comparisons-{world.project.id}.jsonl"'
    assert len(lines.text.splitlines()) >= 12
    table = reader.get(path, params={"format": "parquet"})
    assert pq.read_table(io.BytesIO(table.content)).num_rows == 12
    head = reader.head(path, params={"format": "parquet"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "application/vnd.apache.parquet"
    assert reader.get(path, params={"format": "csv"}).status_code == 422
    assert annotator.get(path).status_code == 403
    summary = reader.get(f"{path}/summary").json()
    assert (summary["comparisons"], summary["ties"], summary["by_split"]["test"]) == (12, 2, 6)


def test_a_third_download_is_refused_with_a_time_to_come_back(world: World, session: Session) -> None:
    reader = program(lambda: TestClient(create_app()), session, world.person("researcher"))
    session.commit()
    slots = [ExportSlot(), ExportSlot()]
    answer = reader.get(f"/api/v1/projects/{world.project.id}/comparisons")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "export-slots-taken"
    for slot in slots:
        slot.close()
