import gzip
import hashlib
import io
import tracemalloc

import pytest

from app.prompts.parsing import GoodLine
from app.prompts.upload import Counted, Upload, shown_name
from tests.app import cast

GOOD = b'{"prompt": "one"}\n{"prompt": "two"}\n'


@pytest.fixture
def project(session):
    return cast.a_project(session, admin=cast.a_user(session))


@pytest.fixture
def browser(client, session, project):
    return cast.browser(client, session, cast.a_member(session, project, "researcher"))


def upload(browser, project, content=GOOD, name="mine.jsonl", **fields):
    path = f"/api/v1/projects/{project.id}/prompt-sets"
    return browser.post(path, files={"file": (name, content)}, data=fields)


def test_an_upload_is_reported_then_added(browser, project):
    content = GOOD + b'{"prompt": ""}\n{"prompt": "one"}\n'
    answer = upload(browser, project, content, name="C:\\data\\mine.jsonl", source="me", licence="CC0-1.0")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    expected = {
        "name": "mine.jsonl",
        "file_name": "mine.jsonl",
        "source": "me",
        "licence": "CC0-1.0",
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "state": "staged",
        "lines": 4,
        "good": 2,
        "bad": 1,
        "duplicates": 1,
        "errors": [{"line": 3, "reason": "message 1 is empty", "excerpt": '{"prompt": ""}'}],
    }
    assert {name: body[name] for name in expected} == expected
    path = f"/api/v1/projects/{project.id}/prompt-sets/{body['id']}"
    assert browser.get(path).json() == body
    assert browser.get(f"{path}/errors").json()["items"] == expected["errors"]
    added = browser.post(f"{path}/accept").json()
    assert added == body | {"state": "added"}
    assert browser.post(f"{path}/discard").json()["type"] == "already-decided"
    prompts = browser.get(f"/api/v1/projects/{project.id}/prompts").json()["items"]
    assert [prompt["messages"] for prompt in prompts] == [
        [{"role": "user", "content": text}] for text in ("two", "one")
    ]


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"prompt\none\ntwo\n"), ("a.txt", b"one\ntwo\n")])
def test_csv_and_text_are_taken_too(browser, project, name, content):
    assert upload(browser, project, content, name=name).json()["good"] == 2


def test_a_packed_file_is_unpacked_and_hashed_as_it_came(browser, project):
    packed = gzip.compress(GOOD, mtime=0)
    body = upload(browser, project, packed, name="mine.jsonl.gz").json()
    assert (body["good"], body["bytes"], body["file_sha256"]) == (2, len(packed), hashlib.sha256(packed).hexdigest())


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.zip", GOOD, ".jsonl"),
        ("a.csv", b"question\nWhy?\n", "prompt"),
        ("a.jsonl.gz", b"not packed", "gzip"),
        ("a.jsonl.gz", gzip.compress(GOOD, mtime=0)[:-9], "gzip"),
        ("a.jsonl.gz", gzip.compress(GOOD, mtime=0)[:20] + b"\xff" * 30, "gzip"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(browser, project, name, content, word):
    refused = upload(browser, project, content, name=name)
    assert (refused.status_code, refused.json()["type"]) == (422, "unreadable-file")
    assert word in refused.json()["detail"]


@pytest.fixture
def one_megabyte(settings, use_settings):
    """Listed before `client`: the web application reads its limit when it is made."""
    use_settings(upload_limit_mb=1)


def test_a_file_over_the_limit_is_refused_with_the_setting_that_moves_it(one_megabyte, browser, project):
    for name, content in (
        ("a.txt", (b"a" * 999 + b"\n") * 1200),
        ("a.txt.gz", gzip.compress((b"a" * 999 + b"\n") * 1200)),
    ):
        refused = upload(browser, project, content, name=name)
        assert (refused.status_code, refused.json()["type"]) == (413, "payload-too-large")
        assert "1 MB" in refused.json()["detail"]
        assert "PLACKETT_UPLOAD_LIMIT_MB" in refused.json()["advice"]


def test_an_upload_without_a_declared_length_stops_at_the_limit_too(one_megabyte, client, session, project):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'

    def endless():
        yield head
        for _ in range(100):
            yield b"abc\n" * 16_384

    browser = cast.browser(client, session, cast.a_member(session, project, "admin"))
    refused = browser.post(
        f"/api/v1/projects/{project.id}/prompt-sets",
        content=endless(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (refused.status_code, refused.json()["type"]) == (413, "payload-too-large")


def test_hostile_names_and_fields(browser, project):
    body = upload(browser, project, name="../../etc/\u202epasswd\x07.jsonl").json()
    assert body["file_name"] == "?passwd?.jsonl" or "/" not in body["file_name"]
    assert upload(browser, project, name="a.jsonl", source="a\0b").status_code == 422
    assert upload(browser, project, name="a.jsonl", licence="x" * 300).status_code == 422
    assert browser.post(f"/api/v1/projects/{project.id}/prompt-sets", data={"name": "x"}).status_code == 422
    assert browser.post(f"/api/v1/projects/{project.id}/prompt-sets", json={"file": "x"}).status_code == 422


def test_a_shown_name_is_no_path():
    assert shown_name("../a\\b\x00c.jsonl") == "b?c.jsonl"
    assert shown_name(None) == shown_name("a/") == "prompts"
    assert len(shown_name("x" * 1000)) == 200


def test_an_annotator_uploads_nothing(client, session, project):
    annotator = cast.browser(client, session, cast.a_member(session, project, "annotator"))
    assert upload(annotator, project).status_code == 403
    assert annotator.get(f"/api/v1/projects/{project.id}/prompts").status_code == 403


def test_a_large_file_is_never_held_whole():
    noise = "0123456789abcdef" * 125
    content = io.BytesIO("".join(f'{{"prompt": "{number} {noise}"}}\n' for number in range(2_000)).encode())
    size = len(content.getbuffer())
    assert size > 4_000_000
    counted = Counted()
    tracemalloc.start()
    lines = sum(isinstance(line, GoodLine) for line in Upload(content, "a.jsonl", 10**9).parsed(counted))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (lines, counted.size) == (2_000, size)
    assert peak < 500_000
