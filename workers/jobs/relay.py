"""From the child's lines to Postgres: collected for a moment, then stored together under the claim's fence.

Answers, and the tasks that they complete, are written before the fence is checked: its check locks the run's row, which
the heart and whoever wants to cancel need too. So the lock lasts for a moment, however long that takes, and where the
fence is gone all of it is rolled back. What takes no time is written after the check, so that a worker which is frozen
meanwhile is in nobody's way.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db import transaction
from app.runs import events, leases
from app.runs.events import Event, Metric
from app.runs.leases import Claim
from app.runs.tables import RunCheckpoint
from workers.jobs import folders
from workers.jobs.heart import UNAVAILABLE

FLUSH_SECONDS: Final = 0.5
MOST_LINES: Final = 500
# Answers that one transaction stores with the tasks they complete: each of them is work, under the lock on the
# project's queue, which people who rank wait for.
MOST_ANSWERS: Final = 32
KEPT_CHECKPOINTS: Final = 2
LEVELS: Final = frozenset({"info", "warning", "error"})

# Stores lines that only one kind of run sends, in the relay's transaction; events worth telling.
Recorder = Callable[[Session, Claim, list[dict[str, Any]]], list[Event]]


@dataclass
class Batch:
    """What was heard since the last store."""

    events: list[Event] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=dict)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    completions: list[dict[str, Any]] = field(default_factory=list)

    def size(self) -> int:
        """How many lines are waiting."""
        return len(self.events) + len(self.metrics) + len(self.completions) + len(self.checkpoints)

    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not self.size() and not self.progress


class Relay:
    """Hears lines and stores them. `result`, `failure` and `paused` are kept for the end of the run."""

    def __init__(self, held: Claim, folder: Path, record: Recorder) -> None:
        self.held = held
        self.folder = folder
        self.record = record
        self.result: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.paused: dict[str, Any] | None = None
        self.batch = Batch()
        self._stored_at = time.monotonic()
        self._take = {
            "step": self._take_step,
            "metric": self._take_metric,
            "sample": self._take_sample,
            "completion": self._take_completion,
            "checkpoint": self._take_checkpoint,
            "log": self._take_log,
            "result": self._take_result,
            "failure": self._take_failure,
            "paused": self._take_paused,
        }

    def take(self, lines: list[dict[str, Any]]) -> None:
        """Hear lines; one that breaks the protocol becomes a warning."""
        for line in lines:
            try:
                self._take[line["type"]](line)
            except (KeyError, TypeError, ValueError) as error:
                self._take_log({"level": "warning", "text": f"a broken line was passed over: {error!r}"})

    def is_due(self) -> bool:
        """Whether it is time to store."""
        waited = time.monotonic() - self._stored_at
        return not self.batch.is_empty() and (waited >= FLUSH_SECONDS or self.batch.size() >= MOST_LINES)

    def store(self) -> bool:
        """Store what was heard; False when the database does not answer, then what is left is kept for the next try.

        Many answers are stored in parts, and all else after them: a checkpoint never knows of an answer that is not
        there. If this worker dies in between, the next attempt asks for the answers that are missing.

        Raises:
            FenceLostError: the run belongs to another claim by now.
        """
        self._stored_at = time.monotonic()
        if self.batch.is_empty():
            return True
        try:
            while len(self.batch.completions) > MOST_ANSWERS:
                with transaction() as session:
                    self._write(session, Batch(completions=self.batch.completions[:MOST_ANSWERS]))
                del self.batch.completions[:MOST_ANSWERS]
            with transaction() as session:
                retired = self._write(session, self.batch)
        except UNAVAILABLE:
            return False
        self.batch = Batch()
        for path in retired:
            folders.discard(path)
        return True

    def _write(self, session: Session, batch: Batch) -> list[str]:
        durable = bool(batch.checkpoints or batch.completions)
        happened = list(batch.events)
        if batch.progress:
            happened.append(Event("progress", batch.progress))
        if batch.completions:
            happened += self.record(session, self.held, batch.completions)
        leases.report(session, self.held, happened, progress=batch.progress, durable=durable)
        events.add_metrics(session, self.held.run_id, batch.metrics)
        return self._write_checkpoints(session, batch.checkpoints)

    def _write_checkpoints(self, session: Session, checkpoints: list[dict[str, Any]]) -> list[str]:
        for checkpoint in checkpoints:
            row = {"run_id": self.held.run_id, "fence": self.held.fence, **checkpoint}
            session.execute(
                insert(RunCheckpoint).values(row).on_conflict_do_update(constraint="pk_run_checkpoints", set_=row)
            )
        return self._retire(session) if checkpoints else []

    def _retire(self, session: Session) -> list[str]:
        mine = (RunCheckpoint.run_id == self.held.run_id, RunCheckpoint.retired_at.is_(None))
        kept = select(RunCheckpoint.step).where(*mine).order_by(RunCheckpoint.step.desc()).limit(KEPT_CHECKPOINTS)
        retired = session.scalars(
            update(RunCheckpoint)
            .where(*mine, RunCheckpoint.step.not_in(kept))
            .values(retired_at=func.now())
            .returning(RunCheckpoint.path)
            .execution_options(synchronize_session=False)
        )
        return list(retired)

    def _take_step(self, line: dict[str, Any]) -> None:
        phase, step, total = str(line["phase"]), int(line["step"]), int(line["total"])
        self.batch.progress = {
            "phase": phase,
            "step": step,
            "total": total,
            # Null where a phase is the whole work, so that an earlier one's does not stay.
            "part": line.get("part"),
            "parts": line.get("parts"),
            "seconds_left": line.get("seconds_left"),
            "text": f"{phase}: {step} of {total}",
        }

    def _take_metric(self, line: dict[str, Any]) -> None:
        step = int(line["step"])
        figures = {str(name): None if value is None else float(value) for name, value in line["metrics"].items()}
        self.batch.metrics += [Metric(name, step, value) for name, value in figures.items()]
        self.batch.events.append(Event("metric", {"step": step, "metrics": figures}))

    def _take_sample(self, line: dict[str, Any]) -> None:
        self.batch.events.append(Event("sample", {name: value for name, value in line.items() if name != "type"}))

    def _take_completion(self, line: dict[str, Any]) -> None:
        int(line["prompt_id"]), int(line["sample_index"]), str(line["model"]), str(line["text"])
        self.batch.completions.append(line)

    def _take_checkpoint(self, line: dict[str, Any]) -> None:
        step = int(line["step"])
        self.batch.checkpoints.append(
            {
                "step": step,
                "path": folders.stored_path(self.folder, line["path"]),
                "manifest_sha256": bytes.fromhex(line["sha256"]),
                "bytes": int(line["bytes"]),
                "retired_at": None,
            }
        )
        self.batch.events.append(Event("checkpoint", {"step": step}))

    def _take_log(self, line: dict[str, Any]) -> None:
        level = line.get("level") if line.get("level") in LEVELS else "info"
        self.batch.events.append(Event("log", {"level": level, "text": str(line.get("text"))[:4000]}))

    def _take_result(self, line: dict[str, Any]) -> None:
        self.result = line

    def _take_failure(self, line: dict[str, Any]) -> None:
        self.failure = line

    def _take_paused(self, line: dict[str, Any]) -> None:
        self.paused = {"step": None if line["step"] is None else int(line["step"])}
