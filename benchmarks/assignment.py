"""Claim and submit, over HTTP, on a table of a million tasks: how fast, how steady, and how near to the limit.

Three arms, each one JSON line with a ratio in which higher is better:

- `growth_1e4_1e6`: time of a claim on 10,000 tasks over that on 1,000,000, one client who has done 50,000 tasks before.
- `pgbench`: our cycles a second with 32 clients over those of exactly our statements sent by pgbench.
- `label_studio`: our cycles a second with 32 clients over those of Label Studio Community (an environment of its own,
  the same PostgreSQL, 100,000 tasks, 32 clients, gunicorn with 2 workers of 8 threads).

    python -m benchmarks.assignment [--arms growth,pgbench,label_studio] [--tasks 1000000] [--clients 1,32,200]
                                    [--seconds 10] [--peer-tasks 100000] [--folder build/assignment] [--fresh]

What was measured stays in the folder, so a run that was cut off goes on where it was; `--fresh` measures anew and keeps
the databases. The databases are made once (about two minutes for a million tasks).
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.embedded import children, postgres
from app.embedded.passwords import load_passwords
from app.embedded.postgres import APP, MIGRATOR, Address
from benchmarks import assignment_data, assignment_limit, assignment_load, assignment_peer
from benchmarks.assignment_data import Seeded
from benchmarks.first_loop import machine
from benchmarks.local_service import local_service

ARMS: Final = ("growth", "pgbench", "label_studio")
SMALL: Final = 10_000
SIDE_BY_SIDE: Final = 32


@dataclass
class Bench:
    """The folder of a benchmark: its PostgreSQL, and what was measured so far."""

    folder: Path
    address: Address
    seconds: float

    def step(self, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What was measured under `name`, now if not before."""
        known = self.known()
        if name not in known:
            known[name] = measure()
            (self.folder / "measured.json").write_text(json.dumps(known, indent=1))
            print(f"# {name}: {json.dumps(known[name])}", flush=True)
        found: dict[str, Any] = known[name]
        return found

    def known(self) -> dict[str, Any]:
        """Everything measured so far."""
        file = self.folder / "measured.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def ours(self, tasks: int, clients: int) -> dict[str, Any]:
        """Our figures over HTTP with so many tasks and clients."""
        return self.step(
            f"ours {tasks} tasks {clients} clients {self.seconds:g} s", lambda: self._serve(tasks, clients)
        )

    def _serve(self, tasks: int, clients: int) -> dict[str, Any]:
        seeded = assignment_data.seed(self.address, tasks)
        with local_service(
            self.folder / "service",
            demo="false",
            database_url=self.address.url(APP, seeded.name),
            migrator_database_url=self.address.url(MIGRATOR, seeded.name),
        ) as service:
            time.sleep(3)  # until the workers have started, which takes both cores
            return assignment_load.run(service.url, clients, self.seconds).summary()

    def limit(self, seeded: Seeded, clients: int) -> dict[str, Any]:
        """pgbench's figures on the same tasks."""
        name = f"pgbench {seeded.tasks} tasks {clients} clients {self.seconds:g} s"
        return self.step(
            name,
            lambda: assignment_limit.run(self.address, seeded, self.folder, clients=clients, seconds=self.seconds),
        )


@contextmanager
def open_bench(folder: Path, seconds: float) -> Iterator[Bench]:
    """The folder's PostgreSQL, with the service's own settings but room for 400 connections, while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    passwords = load_passwords(folder)
    address = Address(port=children.free_port(), passwords=passwords)
    data, log = postgres.data_folder(folder), folder / "postgres.log"
    spec = postgres.postgres_spec(data, port=address.port, password=passwords.superuser)
    spec = replace(spec, command=[*spec.command, "-c", "max_connections=400"])
    process = children.start(spec, log)
    try:
        children.wait_ready(spec, process, log)
        postgres.ensure_roles(address)
        yield Bench(folder, address, seconds)
    finally:
        children.stop(spec, process)


def row(arm: str, ours: float, peer: float, unit: str, **more: Any) -> dict[str, Any]:
    """A line of output."""
    return {"name": "assignment", "arm": arm, "ours": ours, "peer": peer, "ratio": round(ours / peer, 3), "unit": unit,
            "machine": machine(), **more}  # fmt: skip


def growth(bench: Bench, tasks: int) -> dict[str, Any]:
    """Whether a claim costs more on more tasks; `ours` and `peer` are milliseconds on few and on many."""
    few, many = bench.ours(SMALL, 1), bench.ours(tasks, 1)
    times = few["claim_ms"]["p50"], many["claim_ms"]["p50"]
    unit = f"median ms of a claim over HTTP, one client: {SMALL} tasks over {tasks}; 1 is no growth"
    return row("growth_1e4_1e6", *times, unit, few=few, many=many)


def pgbench(bench: Bench, tasks: int, clients: list[int]) -> dict[str, Any]:
    """How near we are to what PostgreSQL itself does with our statements."""
    seeded = assignment_data.seed(bench.address, tasks)
    ours = {count: bench.ours(tasks, count) for count in {*clients, SIDE_BY_SIDE}}
    limit = {count: bench.limit(seeded, count) for count in {*clients, SIDE_BY_SIDE}}
    rates = ours[SIDE_BY_SIDE]["cycles_per_s"], limit[SIDE_BY_SIDE]["cycles_per_s"]
    return row("pgbench", *rates, f"claim + submit cycles/s, {SIDE_BY_SIDE} clients", http=ours, limit=limit)


def label_studio(bench: Bench, tasks: int, peer_tasks: int) -> dict[str, Any]:
    """How we compare with Label Studio Community."""
    ours = bench.ours(tasks, SIDE_BY_SIDE)
    name = f"label_studio {peer_tasks} tasks {SIDE_BY_SIDE} clients {bench.seconds:g} s"
    peer = bench.step(
        name,
        lambda: assignment_peer.run(
            bench.address, bench.folder, tasks=peer_tasks, clients=SIDE_BY_SIDE, seconds=bench.seconds
        ),
    )
    unit = f"next task + answer cycles/s, {SIDE_BY_SIDE} clients; {tasks} tasks here, {peer_tasks} there"
    return row("label_studio", ours["cycles_per_s"], peer["cycles_per_s"], unit, http=ours, label_studio=peer)


def main() -> None:
    """Measure what is not measured yet and print a line for each arm."""
    parser = argparse.ArgumentParser(description="Claim + submit cycles per second, and how they grow.")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"some of {', '.join(ARMS)}")
    parser.add_argument("--tasks", type=int, default=1_000_000, help="tasks in the large table")
    parser.add_argument("--clients", default="1,32,200", help="how many annotators at once, up to 200")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of each run")
    parser.add_argument("--peer-tasks", type=int, default=100_000, help="tasks in Label Studio")
    parser.add_argument("--folder", type=Path, default=Path("build/assignment"), help="databases and what was measured")
    parser.add_argument("--fresh", action="store_true", help="measure anew")
    given = parser.parse_args()
    if given.fresh:
        (given.folder / "measured.json").unlink(missing_ok=True)
    clients = [int(count) for count in given.clients.split(",")]
    with open_bench(given.folder.resolve(), given.seconds) as bench:
        arms = {
            "growth": lambda: growth(bench, given.tasks),
            "pgbench": lambda: pgbench(bench, given.tasks, clients),
            "label_studio": lambda: label_studio(bench, given.tasks, given.peer_tasks),
        }
        for arm in given.arms.split(","):
            print(json.dumps(arms[arm]()), flush=True)


if __name__ == "__main__":
    main()
