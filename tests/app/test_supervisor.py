"""The process tree: starts, restarts, refuses a second self, ends together, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app import instance
from app.embedded import children
from app.instance import Record
from app.supervisor import is_healthy
from tests.conftest import Database

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.servers


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


class Up:
    """A running stand-in service and what it printed."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.output = folder / f"output-{time.monotonic_ns()}"
        own = {"data_dir": str(self.data_dir), "port": str(children.free_port()), **settings}
        environment = os.environ | {f"PLACKETT_{name.upper()}": value for name, value in own.items()}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.app.service_stand_in", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> Record:
        eventually(lambda: "is ready" in self.text or self.process.poll() is not None, 40)
        record = instance.read_record(self.data_dir)
        assert record, self.text
        return record

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    opened: list[Up] = []

    def go(*arguments: str, **settings: str) -> Up:
        opened.append(Up(tmp_path, *arguments, **settings))
        return opened[-1]

    yield go
    for up in opened:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def all_gone(record: Record) -> bool:
    return not any(psutil.pid_exists(process.pid) for process in record.processes)


def test_it_starts_says_where_stops_in_time_and_keeps_its_data(start: Callable[..., Up]) -> None:
    first = start()
    record = first.wait_ready()
    assert record.url in first.text
    assert f"{record.url}/first-admin#token" in first.text
    assert {process.name for process in record.processes} == {"postgres", "valkey", "api", "sleeper"}
    assert is_healthy(record.url)
    with psycopg.connect(record.migrator_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    began = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - began < 10
    assert all_gone(record)
    assert instance.read_record(first.data_dir) is None

    second = start()
    record = second.wait_ready()
    assert "first-admin" not in second.text
    with psycopg.connect(record.migrator_database_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert second.stop(signal.SIGTERM) == 0
    assert "api      | web serves postgresql://plackett_app" in second.text


def test_configured_servers_are_used_and_left_alone(
    start: Callable[..., Up], empty_database: Database, valkey_url: str
) -> None:
    up = start(database_url=empty_database.url, migrator_database_url=empty_database.migrator_url, redis_url=valkey_url)
    record = up.wait_ready()
    assert {process.name for process in record.processes} == {"api", "sleeper"}
    assert up.stop() == 0
    with empty_database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
    assert not (up.data_dir / "embedded-passwords.json").exists()


def test_a_port_in_use_is_passed_over(start: Callable[..., Up]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = start(port=str(port))
        record = up.wait_ready()
        assert not record.url.endswith(f":{port}")
        assert up.stop() == 0


def test_a_second_start_in_the_same_folder_says_where_the_first_is_and_touches_nothing(
    start: Callable[..., Up],
) -> None:
    first = start()
    record = first.wait_ready()
    second = start()
    assert second.process.wait(20) != 0
    assert f"already runs in {first.data_dir}: {record.url}" in second.text
    assert instance.read_record(first.data_dir) == record
    assert instance.running(first.data_dir) == record
    assert first.stop() == 0


def test_what_dies_is_started_again_and_the_data_is_still_there(start: Callable[..., Up]) -> None:
    up = start()
    record = up.wait_ready()
    with psycopg.connect(record.migrator_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    for process in record.processes:
        os.kill(process.pid, signal.SIGKILL)

    def whole_again() -> bool:
        now = instance.read_record(up.data_dir)
        return (
            bool(now)
            and len(now.processes) == 4
            and not {p.pid for p in now.processes} & {p.pid for p in record.processes}
        )

    eventually(whole_again)

    def answers() -> bool:
        try:
            with psycopg.connect(record.database_url) as connection:
                return connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        except psycopg.OperationalError:
            return False

    eventually(answers)
    assert "postgres ended with code -9; it starts again in 0.5 s" in up.text
    assert up.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_supervisor_takes_its_children_along_and_the_folder_can_be_used_again(
    start: Callable[..., Up],
) -> None:
    first = start()
    record = first.wait_ready()
    first.process.kill()
    first.process.wait()
    eventually(lambda: all_gone(record), 10)
    assert instance.read_record(first.data_dir) == record, "the record is stale, as after a power cut"
    assert instance.running(first.data_dir) is None
    second = start()
    assert second.wait_ready() != record
    assert second.stop() == 0


def test_a_second_ctrl_c_kills_what_does_not_listen(start: Callable[..., Up]) -> None:
    up = start("--deaf")
    record = up.wait_ready()
    eventually(lambda: "deaf is up" in up.text)
    up.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert up.process.poll() is None
    began = time.monotonic()
    up.stop()
    assert time.monotonic() - began < 5
    assert all_gone(record)


def test_a_service_that_cannot_start_says_why_and_ends(start: Callable[..., Up]) -> None:
    up = start("--broken")
    assert up.process.wait(40) != 0
    assert "no such module: the reason" in up.text
    assert instance.running(up.data_dir) is None


def test_children_of_a_service_that_was_killed_unseen_are_ended_before_the_folder_is_used(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    described = instance.describe("sleeper", sleeper.pid, signal.SIGTERM)
    assert described
    stranger = instance.Process(name="stranger", pid=os.getpid(), started=1.0, stop_signal=int(signal.SIGKILL))
    record = Record(
        pid=1, url="", database_url="", migrator_database_url="", redis_url="", processes=[described, stranger]
    )
    instance.write_record(tmp_path, record)
    assert instance.record_path(tmp_path).stat().st_mode & 0o077 == 0
    assert json.loads(instance.record_path(tmp_path).read_text())["pid"] == 1
    instance.end_leftovers(tmp_path)
    assert not psutil.pid_exists(sleeper.pid)
    assert instance.read_record(tmp_path) is None
