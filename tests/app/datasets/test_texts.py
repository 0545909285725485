"""Raw texts: kept as artifacts, once each, and refused where they are no text."""

import errno
import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.config import get_settings
from app.datasets import texts
from app.datasets.tables import DatasetSnapshot
from app.db import transaction
from app.prompts.service import NewPromptSet
from app.prompts.upload import Upload
from app.storage import seal, store
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world
from tests.conftest import Database

BOM = b"\xef\xbb\xbf"
TEXT = "Once upon a time\nthere was a tüte.\n".encode()


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def rosa(world: World, client: Callable[..., TestClient]) -> TestClient:
    return browser(client, world.session, world.person("researcher", "Rosa"))


def upload(person: TestClient, world: World, content: bytes, name: str = "tale.txt", **about: str) -> Any:
    path = f"/api/v1/projects/{world.project.id}/texts"
    return person.post(path, files={"file": (name, content)}, data=about)


def test_a_text_is_kept_whole_and_once(world: World, rosa: TestClient, tmp_path: Path) -> None:
    answer = upload(rosa, world, TEXT, source="my grandmother", licence="CC0-1.0")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    expected = {"name": "tale.txt", "source": "my grandmother", "licence": "CC0-1.0", "bytes": len(TEXT), "lines": 2}
    assert {name: found[name] for name in expected} == expected
    assert found["content_hash"] == sha256(TEXT).hexdigest()
    again = upload(rosa, world, gzip.compress(TEXT, mtime=0), "other.txt.gz")
    assert (again.status_code, again.json()) == (201, found)
    assert rosa.get(f"/api/v1/projects/{world.project.id}/texts").json()["items"] == [found]
    listed = rosa.get(f"/api/v1/projects/{world.project.id}/dataset-snapshots").json()["items"]
    assert [(one["kind"], one["counts"]) for one in listed] == [("text", {"bytes": len(TEXT), "lines": 2})]

    snapshot = world.session.get_one(DatasetSnapshot, found["id"])
    description = store().link(snapshot.selection["artifact_sha256"], tmp_path / "laid")
    assert description["kind"] == "text"
    assert (tmp_path / "laid" / "text.txt").read_bytes() == TEXT


def test_a_byte_order_mark_is_no_part_of_the_text(world: World, rosa: TestClient, tmp_path: Path) -> None:
    found = upload(rosa, world, BOM + TEXT).json()
    assert (found["bytes"], found["content_hash"]) == (len(TEXT), sha256(TEXT).hexdigest())
    snapshot = world.session.get_one(DatasetSnapshot, found["id"])
    store().link(snapshot.selection["artifact_sha256"], tmp_path / "laid")
    assert (tmp_path / "laid" / "text.txt").read_bytes() == TEXT
    assert upload(rosa, world, TEXT).json() == found


def test_a_full_disk_is_told_and_leaves_nothing(
    world: World, rosa: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_folder: Path, _description: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(texts, "seal", full)
    answer = upload(rosa, world, TEXT)
    assert (answer.status_code, answer.json()["type"]) == (503, "disk-full")
    assert "free space" in answer.json()["advice"]
    assert list(get_settings().data_dir.glob(".text-*")) == []
    assert rosa.get(f"/api/v1/projects/{world.project.id}/texts").json()["items"] == []


@pytest.mark.commits
def test_a_text_sent_twice_at_once_is_one_snapshot(
    committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as session:
        world = a_world(session)
        project_id, rosa_id = world.project.id, world.person("researcher", "Rosa").id
    both_copied = Barrier(2, timeout=30)

    def seal_together(folder: Path, description: dict[str, Any]) -> None:
        both_copied.wait()
        seal(folder, description)

    monkeypatch.setattr(texts, "seal", seal_together)

    def send(_turn: int) -> int:
        with transaction() as session:
            upload = Upload(file=BytesIO(TEXT), file_name="tale.txt", limit_bytes=1 << 20)
            new = NewPromptSet(name="tale", file_name="tale.txt")
            actor = session.get_one(User, rosa_id)
            return texts.store_text(session, project_id=project_id, actor=actor, upload=upload, new=new).id

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(send, range(2))
    assert first == second


def test_the_database_waits_while_a_large_text_is_read(world: World, rosa: TestClient) -> None:
    assert upload(rosa, world, TEXT).status_code == 201
    assert world.session.scalar(sql("SHOW idle_in_transaction_session_timeout")) == "10min"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (TEXT + b"\xff\xfe", "tale.txt", "not valid UTF-8"),
        ("ü".encode()[:1], "tale.txt", "not valid UTF-8"),
        (b" \n\n", "tale.txt", "holds no text"),
        (BOM, "tale.txt", "holds no text"),
        (BOM + b"\r\n\t \n", "tale.txt", "holds no text"),
        (TEXT, "tale.jsonl", "plain text"),
        (TEXT, "tale.pdf", "ends in none of"),
        (gzip.compress(TEXT, mtime=0)[:-4], "tale.txt.gz", "damaged"),
    ],
)
def test_what_is_no_text_is_refused(world: World, rosa: TestClient, content: bytes, name: str, words: str) -> None:
    answer = upload(rosa, world, content, name)
    assert (answer.status_code, answer.json()["type"], answer.json()["field"]) == (422, "unreadable-file", "file")
    assert words in answer.json()["detail"]
    assert rosa.get(f"/api/v1/projects/{world.project.id}/texts").json()["items"] == []
