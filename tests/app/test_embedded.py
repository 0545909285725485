"""The embedded servers: real, locked, durable, and gone with their parent."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from app.embedded import children, postgres, valkey
from app.embedded.children import ChildFailedError, ChildSpec
from app.embedded.passwords import Passwords, load_passwords
from app.embedded.postgres import APP, MIGRATOR, Address
from tests.servers import Servers, running

PASSWORDS = Passwords(superuser="s3cret", migrator="m1grate", app="pl4in", valkey="v4lue")


def test_the_app_role_may_neither_make_tables_nor_roles(servers: Servers) -> None:
    postgres.ensure_database(servers.postgres, "roles")
    with (
        psycopg.connect(servers.postgres.url(APP, "roles"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE stolen (id int)")
    with psycopg.connect(servers.postgres.url(MIGRATOR, "roles"), autocommit=True) as connection:
        connection.execute("CREATE TABLE words (id int)")
    with psycopg.connect(servers.postgres.url(APP, "roles"), autocommit=True) as connection:
        connection.execute("INSERT INTO words VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE words")
    postgres.drop_database(servers.postgres, "roles")


def test_a_wrong_password_opens_neither_server(servers: Servers) -> None:
    stranger = Address(port=servers.postgres.port, passwords=PASSWORDS)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger.url(APP, "postgres"))
    assert not valkey.answers(valkey.valkey_url(servers.valkey_port, "guess"))
    assert valkey.answers(servers.valkey_url)


def test_postgres_works_in_a_path_too_deep_for_a_socket_and_keeps_its_rows(tmp_path: Path) -> None:
    deep = tmp_path / ("deep folder " + "x" * 100) / ("y" * 60)
    data = postgres.data_folder(deep)
    for expected in (0, 1):
        address = Address(port=children.free_port(), passwords=PASSWORDS)
        with running(
            postgres.postgres_spec(data, port=address.port, password=PASSWORDS.superuser), deep / "postgres.log"
        ):
            postgres.ensure_roles(address)
            postgres.ensure_database(address)
            with psycopg.connect(address.url(MIGRATOR), autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
                connection.execute("INSERT INTO kept VALUES (1)")
        assert not (data / "postmaster.pid").exists()


def test_valkey_keeps_what_it_holds_when_it_is_durable(tmp_path: Path) -> None:
    for expected in (None, b"kept"):
        port = children.free_port()
        spec = valkey.valkey_spec(tmp_path / "valkey folder", port=port, password="word")
        with (
            running(spec, tmp_path / "valkey.log"),
            redis.Redis.from_url(valkey.valkey_url(port, "word")) as client,
        ):
            assert client.get("key") == expected
            client.set("key", "kept")


def test_a_pid_file_of_a_dead_or_foreign_process_does_not_keep_postgres_down(tmp_path: Path) -> None:
    data = postgres.data_folder(tmp_path)
    postgres.initialise(data, PASSWORDS.superuser)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n0\n5432\n\n127.0.0.1\n\nready\n")
    postgres.clear_orphan(data)
    assert not (data / "postmaster.pid").exists()
    os.kill(os.getpid(), 0)


def test_an_orphaned_postgres_is_stopped_before_its_folder_is_used_again(tmp_path: Path) -> None:
    data = postgres.data_folder(tmp_path)
    spec = postgres.postgres_spec(data, port=children.free_port(), password=PASSWORDS.superuser)
    process = children.start(spec, tmp_path / "postgres.log")
    children.wait_ready(spec, process, tmp_path / "postgres.log")
    postgres.clear_orphan(data)
    assert process.wait(5) == 0


PARENT = """
import sys, time
from pathlib import Path
from app.embedded import children, postgres, valkey
folder = Path(sys.argv[1])
data = postgres.data_folder(folder)
specs = [
    postgres.postgres_spec(data, port=children.free_port(), password="word"),
    valkey.valkey_spec(folder / "valkey", port=children.free_port(), password="word"),
]
for spec in specs:
    process = children.start(spec, folder / "log")
    children.wait_ready(spec, process, folder / "log")
    print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killing_the_parent_ends_both_servers(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not (postgres.data_folder(tmp_path) / "postmaster.pid").exists()


def test_a_child_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spec = ChildSpec(name="broken", command=["sh", "-c", "echo the reason; exit 3"], ready=lambda: False)
    process = children.start(spec, log)
    with pytest.raises(ChildFailedError, match=r"(?s)broken ended with code 3.*the reason"):
        children.wait_ready(spec, process, log)


def test_a_child_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    spec = ChildSpec(name="deaf", command=["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], stop_seconds=0.3)
    process = children.start(spec, tmp_path / "log")
    time.sleep(0.2)
    children.stop(spec, process)
    assert process.returncode == -signal.SIGKILL


def test_passwords_are_made_once_and_belong_to_their_owner_only(tmp_path: Path) -> None:
    made = load_passwords(tmp_path)
    assert load_passwords(tmp_path) == made
    assert len({made.superuser, made.migrator, made.app, made.valkey}) == 4
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to stop being root")
def test_where_namespaces_are_forbidden_root_runs_postgres_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "namespaces_work", lambda: False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = postgres.data_folder(folder)
        spec = postgres.postgres_spec(data, port=children.free_port(), password="word")
        process = children.start(spec, folder / "postgres.log")
        children.wait_ready(spec, process, folder / "postgres.log")
        owner = psutil.Process(process.pid).uids().effective
        children.stop(spec, process)
    assert owner == children.NOBODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to stop being root")
def test_nobody_who_cannot_reach_the_folder_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(children, "namespaces_work", lambda: False)
    tmp_path.chmod(0o700)
    with pytest.raises(ChildFailedError, match="an ordinary user"):
        postgres.initialise(postgres.data_folder(tmp_path / "closed"), "word")
