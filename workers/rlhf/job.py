"""A run as a folder: what it is given, what it says while it works, and what it leaves behind.

The folder holds `config.json`, `data.jsonl` and `models/<role>/`; the run adds `checkpoints/` and `out/`.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.rlhf import checkpoints
from workers.rlhf.artifacts import CARD, Description, Seal, describe, seal
from workers.rlhf.checkpoints import Training
from workers.rlhf.configs import config_from
from workers.rlhf.pace import Pace
from workers.rlhf.processes import ALONE, Team

Event = dict[str, Any]
Emit = Callable[[Event], None]


class PausedError(Exception):
    """The run was asked to rest, and all that it needs to go on is stored; `step` is that of its checkpoint, if any."""

    def __init__(self, step: int | None) -> None:
        super().__init__("paused")
        self.step = step


@dataclass(slots=True)
class Job:
    """A run's folder, opened."""

    folder: Path
    kind: str
    config: Any
    seed: int
    threads: int
    models: dict[str, Path]
    resume: Path | None
    source: dict[str, Any]
    emit: Emit
    # Judgments that each judge of an evaluation has in common with each model, where the run was told; by role.
    shared: Mapping[str, Mapping[str, int | None]] | None = None
    # What was done by earlier attempts and is not asked for again.
    before: int = 0
    # The parts of the work, where it has several that are counted each by itself.
    phases: Sequence[str] = ()
    pace: Pace = field(default_factory=Pace)
    # Set from another thread once the run is to rest.
    rest: threading.Event = field(default_factory=threading.Event)

    @property
    def out(self) -> Path:
        """Where the result goes."""
        return self.folder / "out"

    def model(self, role: str) -> Path:
        """The artifact folder of a role.

        Raises:
            ValueError: this run was given none.
        """
        if role not in self.models:
            raise ValueError(f"models: this run needs one called {role}")
        return self.models[role]

    def step(self, phase: str, number: int, total: int) -> None:
        """Tell how far the run is: steps done of all steps of a phase, and how long its rest takes."""
        told = {"phase": phase, "step": number, "total": total}
        if phase in self.phases:
            told |= {"part": self.phases.index(phase) + 1, "parts": len(self.phases)}
        self.emit({"type": "step"} | told | {"seconds_left": self.pace.seconds_left(phase, number, total)})

    def metric(self, number: int, metrics: Mapping[str, float | None]) -> None:
        """Tell numbers of a step."""
        self.emit({"type": "metric", "step": number, "metrics": dict(metrics)})

    def log(self, level: str, text: str) -> None:
        """Tell something a person should read."""
        self.emit({"type": "log", "level": level, "text": text})

    def checkpoint(self, step: int, training: Training) -> None:
        """Write a checkpoint and tell of it."""
        written = checkpoints.save(self.folder / "checkpoints", step, training)
        path = written.path.relative_to(self.folder).as_posix()
        entry = {"type": "checkpoint", "step": step, "path": path}
        self.emit(entry | {"sha256": written.seal.sha256, "bytes": written.seal.size})

    def between_steps(
        self, step: int, training: Training, *, due: bool, last: bool = False, together: Team = ALONE
    ) -> None:
        """Write a checkpoint after a step where one is `due`, or where the run is to rest; after its last it goes on.

        Of several processes all rest after the same step, if any of them was asked to.

        Raises:
            PausedError: the run was asked to rest.
        """
        asked = [0.0 if last else float(self.rest.is_set())]
        resting = together.sum(asked, next(iter(training.weights.values())).device)[0] > 0
        if (due or resting) and together.leads:
            self.checkpoint(step, training)
        if resting:
            raise PausedError(step)

    def rest_if_asked(self) -> None:
        """The same for runs that write no checkpoints: what they have told is stored, the rest they do again.

        Raises:
            PausedError: the run was asked to rest.
        """
        if self.rest.is_set():
            raise PausedError(None)

    def resumed(self, training: Training) -> int:
        """Go on from the checkpoint that this run was given, if any: the number of steps already done."""
        if self.resume is None:
            return 0
        done = checkpoints.load(self.resume, training)
        self.log("info", f"Going on after step {done}.")
        return done

    def finish(self, description: Description, card: str, report: Mapping[str, Any]) -> None:
        """Seal the result and tell of it: the last event of a run that leaves an artifact."""
        (self.out / CARD).write_text(card, encoding="utf-8")
        describe(self.out, description)
        self.result(seal(self.out), description.metrics, report)

    def result(self, sealed: Seal | None, metrics: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """The last event of a run."""
        named = {"artifact": "out", "sha256": sealed.sha256, "bytes": sealed.size} if sealed else {"artifact": None}
        nothing = {"sha256": None, "bytes": None}
        self.emit({"type": "result"} | nothing | named | {"metrics": dict(metrics), "report": dict(report)})


def open_job(folder: Path, emit: Emit) -> Job:
    """Read a run's folder.

    Raises:
        ValueError: a configuration that is incomplete, unknown or out of bounds; the message names the field.
    """
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Job(
        folder=folder,
        kind=content["kind"],
        config=config_from(content["kind"], content.get("config") or {}),
        seed=int(content.get("seed", 0)),
        threads=int(content.get("threads", 0)),
        models={role: folder / path for role, path in (content.get("models") or {}).items()},
        resume=folder / content["resume"] if content.get("resume") else None,
        source=content.get("source") or {},
        emit=emit,
        shared=content.get("shared"),
        before=int(content.get("before", 0)),
    )
