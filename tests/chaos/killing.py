"""Who is killed and when: each target is killed once it has been seen at work since its last start."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psutil
import psycopg
import redis

from app.instance import Record
from tests.chaos.journal import Journal

READY_SECONDS = 90.0
LOOK_SECONDS = 0.1
PROCESS = {"api": "api", "scheduler": "scheduler", "postgres": "postgres", "redis": "valkey", "worker": "training"}
CHILD = "tests.chaos.recipe"


class NotBackError(AssertionError):
    """Something that was killed did not come back."""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = READY_SECONDS) -> Any:
    """What `condition` gives once it is true; `NotBackError` names `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise NotBackError(f"{what}: not within {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)
    return found


@dataclass
class Killer:
    """Kills with SIGKILL, at moments drawn from `random`, and keeps the list of what it did."""

    random: Random
    read_record: Callable[[], Record | None]
    journal: Journal
    began: float = field(default_factory=time.monotonic)
    log: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    answered: dict[int, int] = field(default_factory=dict)

    def kill(self, target: str, longest_delay: float) -> None:
        """Wait until the target is at work, then for a random moment, then kill it."""
        pid = wait_until(lambda: self.at_work(target), f"a {target} at work")
        time.sleep(self.random.uniform(0, longest_delay))
        getattr(self, f"kill_{target}", self.kill_plainly)(pid)
        self.kills[target] += 1
        self.note(f"kill {self.kills.total()}: {target} {pid}")

    def note(self, what: str) -> None:
        """A line with its time in the list of what was done."""
        self.log.append(f"{time.monotonic() - self.began:8.2f} s  {what}")

    def pid_of(self, target: str) -> int | None:
        """The process of the service that this target is, if it lives."""
        record = self.read_record()
        known = [one.pid for one in record.processes if one.name == PROCESS[target]] if record else []
        return known[0] if known and psutil.pid_exists(known[0]) else None

    def at_work(self, target: str) -> int | None:
        """The target's process id once it does what it is there for."""
        if target == "child":
            return next(iter(self.children()), None)
        pid = self.pid_of(target)
        return pid if pid is not None and getattr(self, f"is_{target}_at_work")(pid) else None

    def children(self) -> list[int]:
        """Processes of recipes that are running now."""
        worker = self.pid_of("worker")
        try:
            found = psutil.Process(worker).children(recursive=True) if worker else []
            return [one.pid for one in found if CHILD in one.cmdline()]
        except psutil.Error:
            return []

    def is_api_at_work(self, pid: int) -> bool:
        """A new web server is at work once people have had three more answers."""
        answers = sum(count for status, count in self.journal.happened.items() if status.startswith("2"))
        return answers >= self.answered.setdefault(pid, answers) + 3

    def is_postgres_at_work(self, _pid: int) -> bool:
        """It takes connections."""
        try:
            psycopg.connect(self.record().database_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def is_redis_at_work(self, _pid: int) -> bool:
        """It answers."""
        try:
            with redis.Redis.from_url(self.record().redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def is_scheduler_at_work(self, pid: int) -> bool:
        """It has connected to the database."""
        return is_connected(pid)

    is_worker_at_work = is_scheduler_at_work

    def record(self) -> Record:
        """What the service tells about itself."""
        record = self.read_record()
        assert record is not None
        return record

    def kill_plainly(self, pid: int) -> None:
        """SIGKILL to one process."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            self.note(f"{pid} had ended by itself")

    def kill_postgres(self, pid: int) -> None:
        """SIGKILL to the postmaster, to one of its processes, or to all of them."""
        dice = self.random.random()
        backends = psutil.Process(pid).children()
        if dice < 0.3 and backends:
            self.kill_plainly(self.random.choice(backends).pid)
            return
        self.kill_plainly(pid)
        for backend in backends if dice < 0.7 else []:
            self.kill_plainly(backend.pid)

    def kill_redis(self, pid: int) -> None:
        """SIGKILL, in half of the cases after everything was forgotten."""
        if self.random.random() < 0.5:
            try:
                with redis.Redis.from_url(self.record().redis_url, socket_timeout=1) as client:
                    client.flushall()
            except redis.RedisError as error:
                self.note(f"FLUSHALL did not get through: {error}")
        self.kill_plainly(pid)


def is_connected(pid: int) -> bool:
    """Whether a process holds a connection."""
    try:
        return any(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process(pid).net_connections("tcp"))
    except psutil.Error:
        return False
