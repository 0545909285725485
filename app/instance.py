"""The one running service of a data folder: a lock that a killed process lets go of, and a record others can read."""

import fcntl
import json
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from app.embedded.passwords import write_private

START_TOLERANCE_SECONDS = 2.0
LEFTOVER_SECONDS = 15.0


class AlreadyRunningError(RuntimeError):
    """Another process serves this data folder; the message says where and how to stop it."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A child that was started: its number and start time (seconds since 1970) name it without doubt."""

    name: str
    pid: int
    started: float
    stop_signal: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a running service tells about itself. Holds passwords, so its file is private."""

    pid: int
    url: str
    database_url: str
    migrator_database_url: str
    redis_url: str
    processes: list[Process] = field(default_factory=list)


def record_path(data_dir: Path) -> Path:
    """Where a data folder's running service keeps its record."""
    return data_dir / "running.json"


def write_record(data_dir: Path, record: Record) -> None:
    """Publish `record` for other commands of this folder."""
    write_private(record_path(data_dir), json.dumps(asdict(record)))


def read_record(data_dir: Path) -> Record | None:
    """The last published record, whether or not its service still runs."""
    try:
        known = json.loads(record_path(data_dir).read_text())
    except FileNotFoundError:
        return None
    return Record(**{**known, "processes": [Process(**process) for process in known["processes"]]})


@contextmanager
def lock(data_dir: Path) -> Generator[None, None, None]:
    """Be the only one who serves `data_dir`; the system lets go of the lock however this process ends.

    Raises `AlreadyRunningError` when another process holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(_who_runs(data_dir)) from error
        yield


def _who_runs(data_dir: Path) -> str:
    record = read_record(data_dir)
    if record is None:
        return f"Plackett is just starting in {data_dir}; nothing was touched."
    return (
        f"Plackett already runs in {data_dir}: {record.url} (process {record.pid}). Nothing was touched. "
        f"Stop it with Ctrl-C in its terminal, or: kill {record.pid}"
    )


def running(data_dir: Path) -> Record | None:
    """The record of the service that serves `data_dir` now, if one does."""
    if not data_dir.is_dir():
        return None
    try:
        with lock(data_dir):
            return None
    except AlreadyRunningError:
        return read_record(data_dir)


def forget(data_dir: Path) -> None:
    """Take the record away, at a clean end."""
    record_path(data_dir).unlink(missing_ok=True)


def end_leftovers(data_dir: Path) -> None:
    """End children that outlived a killed service (where the system could not tell them); needs the lock.

    Two servers must never write to the same files.
    """
    record = read_record(data_dir)
    if record is None:
        return
    alive = []
    for known in record.processes:
        if process := _alive(known):
            process.send_signal(known.stop_signal)
            alive.append(process)
    _, deaf = psutil.wait_procs(alive, timeout=LEFTOVER_SECONDS)
    for process in deaf:
        process.kill()
    psutil.wait_procs(deaf, timeout=LEFTOVER_SECONDS)
    forget(data_dir)


def _alive(known: Process) -> psutil.Process | None:
    try:
        process = psutil.Process(known.pid)
        same = abs(process.create_time() - known.started) < START_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if same and known.pid != os.getpid() else None


def describe(name: str, pid: int, stop_signal: signal.Signals) -> Process | None:
    """The record of a child that runs now, or nothing when it has already ended."""
    try:
        return Process(name=name, pid=pid, started=psutil.Process(pid).create_time(), stop_signal=int(stop_signal))
    except psutil.NoSuchProcess:
        return None
