"""The service under fire: started, ranked in, killed in parts, checked after each round, and let run out at the end."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import instance
from app.db import psycopg_url
from app.embedded import children
from app.embedded.children import ChildSpec
from app.instance import Record
from app.supervisor import is_healthy
from tests.chaos import invariants
from tests.chaos.journal import Journal
from tests.chaos.killing import Killer, wait_until
from tests.chaos.people import Crowd
from tests.chaos.recipe import STEPS, chain
from tests.chaos.world import keep_open, read_cast

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, END_SECONDS = 240.0, 180.0
LEASE_SECONDS, SWEEP_SECONDS = 2.0, 0.5
SETTINGS = {
    "run_lease_seconds": LEASE_SECONDS,
    "scheduler_seconds": SWEEP_SECONDS,
    # Runs are hit far more often here than they make progress.
    "run_max_stalls": 50,
    "web_processes": 1,
    "torch_threads": 1,
    # Simulated people do not sign in again when a folder is taken up after a fortnight.
    "session_days": 365,
    # A sandbox would show the recipe no tests.
    "isolation": "off",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is killed how often in which order, by how many people it is watched, and how fast they are."""

    targets: list[str]
    kills_a_round: int
    longest_delay: float = 0.4
    annotators: int = 4
    tasks: int = 400
    pause_seconds: float = 0.1


def shuffled(random: Random, **counts: int) -> list[str]:
    """Targets by name, each as often as said, in a random order."""
    targets = list(Counter(counts).elements())
    random.shuffle(targets)
    return targets


class Chaos:
    """A running service in a folder, its journal, and who kills it. `found` are the broken promises."""

    def __init__(self, folder: Path, random: Random, plan: Plan) -> None:
        self.data_dir, self.random, self.plan = folder / "data", random, plan
        self.journal = Journal(folder / "journal.jsonl")
        self.killer = Killer(random, lambda: instance.read_record(self.data_dir), self.journal)
        self.hashes: dict[int, str] = {}
        self.log = folder / "up.log"

    @contextmanager
    def service(self) -> Iterator["Chaos"]:
        """The service, healthy, until the block ends; it ends with this process, however that ends."""
        command = [sys.executable, "-m", "tests.chaos.service", "fake", str(self.plan.annotators), str(self.plan.tasks)]
        own = {**SETTINGS, "data_dir": self.data_dir, "port": children.free_port()}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PLACKETT_")}
        environment |= {f"PLACKETT_{name.upper()}": str(value) for name, value in own.items()}
        spec = ChildSpec(
            name="service", command=command, environment=environment, folder=ROOT, stop_signal=signal.SIGINT,
            stop_seconds=30, ready=self.is_healthy,
        )  # fmt: skip
        self.data_dir.mkdir(parents=True, exist_ok=True)
        process = children.start(spec, self.log)
        try:
            children.wait_ready(spec, process, self.log, START_SECONDS)
            yield self
        finally:
            children.stop(spec, process)
            self.journal.close()

    def record(self) -> Record:
        """What the service tells about itself."""
        record = instance.read_record(self.data_dir)
        assert record is not None
        return record

    def is_healthy(self) -> bool:
        """Whether web server, database and Redis answer."""
        record = instance.read_record(self.data_dir)
        return record is not None and is_healthy(record.url)

    def crowd(self) -> Crowd:
        """The simulated people, at work."""
        cast = read_cast(self.data_dir)
        return Crowd(self.record().url, cast, self.journal, self.random, pause_seconds=self.plan.pause_seconds).start()

    def keep_busy(self) -> None:
        """See to it that nobody runs out of tasks, however many rounds there are."""
        wait_until(self._add_tasks, "tasks for everybody")

    def _add_tasks(self) -> bool:
        made = create_engine(psycopg_url(self.record().database_url))
        try:
            with Session(made) as session:
                keep_open(session, read_cast(self.data_dir), self.plan.tasks)
                session.commit()
        except OperationalError:
            return False
        finally:
            made.dispose()
        return True

    def rounds(self) -> Iterator[list[str]]:
        """Kill all targets of the plan; after each round wait until all is well again, and yield what is broken."""
        for number, target in enumerate(self.plan.targets, start=1):
            self.killer.kill(target, self.plan.longest_delay)
            if number % self.plan.kills_a_round == 0 or number == len(self.plan.targets):
                yield self.check()

    def check(self) -> list[str]:
        """What is broken, once the service is well."""
        wait_until(self.is_healthy, "a healthy service")
        found = wait_until(self._look, "an answer of the database")
        self.killer.note(f"checked: {len(found[0])} broken promises")
        return list(found[0])

    def _look(self) -> tuple[list[str]] | None:
        try:
            found = invariants.check(self.record().database_url, self.journal)
            hashes = invariants.content_hashes(self.record().database_url)
        except psycopg.OperationalError:
            return None
        changed = [one for one, known in self.hashes.items() if hashes.get(one) != known]
        self.hashes |= hashes
        return ([*found, *(f"N6 snapshot {one} changed" for one in changed)],)

    def run_out(self, crowd: Crowd) -> list[str]:
        """Launch nothing more, let every run end and everybody finish; what is broken then."""
        crowd.launching_over.set()
        wait_until(lambda: not self.unfinished(), "the end of every run", END_SECONDS)
        crowd.stop()
        return [*self.check(), *self.wrong_ends()]

    def rows(self, query: str) -> list[Any]:
        """What the database says; nothing while it is away."""
        try:
            with psycopg.connect(self.record().database_url) as connection:
                return connection.execute(query).fetchall()
        except psycopg.OperationalError:
            return []

    def unfinished(self) -> bool:
        """Whether a run is still to end, or the database does not say."""
        over = "SELECT bool_and(state IN ('succeeded', 'failed', 'cancelled')) FROM runs WHERE kind = 'reward'"
        return self.rows(over) != [(True,)]

    def wrong_ends(self) -> list[str]:
        """Runs that failed for another reason than their child's being killed, or left other weights than they must."""
        query = """
            SELECT r.id, r.state, r.reason, r.error, r.seed, r.result->'report'->>'weights', v.artifact_sha256
            FROM runs r LEFT JOIN model_versions v ON v.run_id = r.id WHERE r.kind = 'reward' ORDER BY r.id
        """
        found = []
        for run, state, reason, error, seed, weights, sha256 in self.rows(query):
            if state == "failed":
                found.append(f"N4 run {run} failed ({reason}): {error}")
            if state == "succeeded" and {weights, self.stored(sha256)} != {chain(seed, STEPS)}:
                found.append(f"N5 run {run} left other weights than an undisturbed one: {weights}")
        return found

    def stored(self, sha256: str) -> str:
        """The weights of a stored artifact."""
        return (self.data_dir / "artifacts" / sha256[:2] / sha256 / "model.safetensors").read_text()

    def figures(self) -> dict[str, Any]:
        """What happened, in numbers."""
        states = dict(self.rows("SELECT state, count(*) FROM runs GROUP BY state"))
        [(attempts, resumed)] = self.rows("SELECT sum(attempt), count(*) FILTER (WHERE attempt > 1) FROM runs")
        return {
            "kills": dict(self.killer.kills),
            "rankings": len(self.journal.accepted("/ranking")),
            "answers": dict(self.journal.happened),
            "runs": states,
            "attempts": int(attempts or 0),
            "runs_resumed": resumed,
            "snapshots": len(self.hashes),
        }

    def story(self, seed: int) -> str:
        """What to print when something is broken."""
        tail = self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
        return "\n".join([f"seed {seed}", *self.killer.log, str(dict(self.journal.happened)), tail])
