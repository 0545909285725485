"""An hour of the whole loop with a tiny real model and simulated annotators: does anything grow, pile up or complain?

`make soak`, or shorter: `make soak ARGS="--minutes 5"`. Watches the memory of each process of the service (between the
first and the last third after the warm-up), the queue of runs, the open tasks, Redis, and errors in the logs. Prints
one JSON line of figures; the exit code is 1 when a bound was broken.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import psutil
import psycopg
import redis
import torch

from app import instance
from benchmarks.local_service import LocalService, Person, ServiceFailedError, local_service
from tests.tiny_model import build_tiny_model

API = "/api/v1"
LOOK_SECONDS = 2.0
MOST_GROWTH, MOST_WAITING, MOST_IN_REDIS = 0.05, 8, 100
LOUD = ("ERROR", "CRITICAL", "Traceback")
PROJECT: dict[str, Any] = {
    "overlap": 1,
    "sampling": {"max_new_tokens": 16},
    "reward": {"minimum_steps": 4},
    "ppo": {"updates": 2, "prompts_per_update": 4, "samples_per_prompt": 2, "max_new_tokens": 16, "minibatches": 1},
    "loop": {"keep_tasks_ready": 64, "retrain_after_comparisons": 200, "promotion": "automatic"},
}


@dataclass
class Watched:
    """Looks at the service: megabytes by process, runs that wait, tasks that are open, keys in Redis."""

    service: LocalService
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    waiting: list[int] = field(default_factory=list)
    open_tasks: list[int] = field(default_factory=list)
    in_redis: list[int] = field(default_factory=list)

    def look(self, at: float) -> None:
        """Note how things are now."""
        record = instance.read_record(self.service.data_dir)
        assert record is not None
        for process in record.processes:
            self.memory[process.name].append((at, megabytes(process.pid, process.name)))
        with psycopg.connect(record.database_url) as connection:
            counted = "SELECT count(*) FROM {} WHERE state = '{}'"
            self.waiting.append(connection.execute(counted.format("runs", "queued").encode()).fetchone()[0])
            self.open_tasks.append(connection.execute(counted.format("tasks", "open").encode()).fetchone()[0])
        with redis.Redis.from_url(record.redis_url) as client:
            self.in_redis.append(sum(client.llen(queue) for queue in ("light", "training")))

    def growth(self, warm_up: float) -> dict[str, dict[str, float]]:
        """Each process's megabytes in the first and the last third after the warm-up, and the growth between them."""
        found = {}
        for name, looks in self.memory.items():
            sizes = [size for at, size in looks if at >= warm_up]
            third = max(1, len(sizes) // 3)
            first, last = median(sizes[:third]), median(sizes[-third:])
            found[name] = {"first_mb": round(first, 1), "last_mb": round(last, 1), "growth": round(last / first - 1, 4)}
        return found


def megabytes(pid: int, name: str) -> float:
    """What a process alone has written to, for Postgres all its processes; a worker's recipe is not the worker.

    Pages of programs are not counted: they become private by the end of another process that runs the same file.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if name == "postgres" else [])]
        return sum(map(written, family)) / 2**20
    except (psutil.Error, OSError):
        return 0.0


def written(process: psutil.Process) -> int:
    """Bytes of private pages that a process has written to; where the system does not tell, all private ones."""
    if psutil.LINUX:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
    return process.memory_full_info().uss


@dataclass
class Simulated:
    """An annotator who ranks at random, in a thread."""

    person: Person
    random: Random
    pause_seconds: float
    over: threading.Event
    rankings: int = 0
    faults: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Rank until it is over."""
        while not self.over.is_set():
            try:
                self._step()
            except (ServiceFailedError, OSError) as error:
                self.faults.append(str(error))
            self.over.wait(self.pause_seconds * self.random.uniform(0.5, 1.5))

    def _step(self) -> None:
        found = self.person.post(f"{API}/projects/1/tasks/claim", {"holding": []})["assignment"]
        if found is None:
            return
        order = [card["id"] for card in found["completions"]]
        self.random.shuffle(order)
        body = {"tiers": [[one] for one in order], "active_ms": 1000}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        self.person.post(f"{API}/assignments/{found['id']}/ranking", body, **headers)
        self.rankings += 1


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--annotators", type=int, default=50)
    parser.add_argument("--warm-up", type=float, default=0.2, help="share of the time that memory may settle in")
    parser.add_argument("--pause", type=float, default=20.0, help="seconds between two rankings of one person")
    return parser.parse_args()


def invited(service: LocalService, admin: Person, number: int) -> Person:
    """A new member of the first project who says in the name what they are."""
    body = {"role": "annotator", "email": f"simulated-{number}@example.org"}
    issued = admin.post(f"{API}/projects/1/invitations", body)
    person = Person(service.url)
    token = issued["link"].partition("#")[2]
    person.redeem(token, name=f"Simulated annotator {number}", email=body["email"])
    return person


def soak(service: LocalService, asked: argparse.Namespace) -> dict[str, Any]:
    """Let people rank and the loop turn; the figures."""
    admin, over, random = service.first_admin(), threading.Event(), Random(1)  # noqa: S311 - simulated people
    admin.patch(f"{API}/projects/1", {"settings": PROJECT})
    people = [
        Simulated(invited(service, admin, number), Random(random.random()), asked.pause, over)  # noqa: S311
        for number in range(asked.annotators)
    ]
    threads = [threading.Thread(target=one.work, daemon=True) for one in people]
    for thread in threads:
        thread.start()
    watched, seconds, began = Watched(service), 60 * asked.minutes, time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        watched.look(at)
        time.sleep(LOOK_SECONDS)
    over.set()
    for thread in threads:
        thread.join(60)
    return figures(service, watched, people, asked)


def figures(
    service: LocalService, watched: Watched, people: list[Simulated], asked: argparse.Namespace
) -> dict[str, Any]:
    """What was seen, and which bounds it breaks."""
    growth = watched.growth(60 * asked.minutes * asked.warm_up)
    record = instance.read_record(service.data_dir)
    assert record is not None
    with psycopg.connect(record.database_url) as connection:
        runs = connection.execute("SELECT kind, state, count(*) FROM runs GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    loud = [line for log in (service.data_dir / "logs").glob("*.log") for line in errors_in(log)]
    faults = [fault for one in people for fault in one.faults]
    broken = [f"{name} grew by {one['growth']:.1%}" for name, one in growth.items() if one["growth"] > MOST_GROWTH]
    broken += [f"{max(watched.waiting)} runs waited at once"] if max(watched.waiting) > MOST_WAITING else []
    broken += [f"{max(watched.in_redis)} doorbells lay in Redis"] if max(watched.in_redis) > MOST_IN_REDIS else []
    broken += [f"{len(loud)} errors in the logs"] if loud else []
    broken += [f"{len(faults)} requests failed"] if faults else []
    return {
        "minutes": asked.minutes,
        "annotators": asked.annotators,
        "rankings": sum(one.rankings for one in people),
        "runs": {f"{kind} {state}": count for kind, state, count in runs},
        "memory": growth,
        "most_runs_waiting": max(watched.waiting),
        "most_open_tasks": max(watched.open_tasks),
        "most_doorbells": max(watched.in_redis),
        "errors": loud[:10],
        "faults": faults[:10],
        "broken": broken,
    }


def errors_in(log: Path) -> list[str]:
    """Lines of a log that say that something went wrong, each with the statement that PostgreSQL names after it."""
    lines = log.read_text(errors="replace").splitlines()
    found = []
    for number, line in enumerate(lines):
        if any(word in line for word in LOUD):
            said = (one for one in lines[number + 1 : number + 4] if "STATEMENT:" in one)
            found.append(f"{log.name}: {line} {next(said, '')}".rstrip())
    return found


def main() -> None:
    """Soak, print, and say with the exit code whether all bounds held."""
    asked = options()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="plackett-soak-") as folder:
        model = build_tiny_model(Path(folder) / "tiny")
        settings = {"base_model": f"folder:{model}", "torch_threads": 1}
        with local_service(Path(folder) / "data", **settings) as service:
            found = soak(service, asked)
    print(json.dumps({"name": "soak", "date": date.today().isoformat(), **found}))  # noqa: DTZ011 - a label
    sys.exit(1 if found["broken"] else 0)


if __name__ == "__main__":
    main()
