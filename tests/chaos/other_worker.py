"""A worker in a process of its own, forked from a server that knows the jobs already, to be frozen, cut off or killed.

With `unfenced` it is the control: its writes carry whatever fence the run has by then, as if nobody had thought of it.
"""

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import transaction
from app.runs import leases
from app.runs.leases import Claim
from app.runs.tables import Run
from workers.jobs import child, execution
from workers.jobs.heart import Heart
from workers.jobs.relay import Relay

FORKING = multiprocessing.get_context("forkserver")
WRITES = ("heartbeat", "report", "succeed")
Write = Callable[..., Any]


def recipe(step_seconds: float, gate: Path | None = None) -> list[str]:
    """The command of the recipe without torch, with steps of this length; its result waits for the file `gate`."""
    return [sys.executable, "-m", "tests.chaos.recipe", str(step_seconds), *([str(gate)] if gate else [])]


def is_due(run_id: int) -> bool:
    """Whether a run that was taken from a silent worker may be claimed again by now."""
    with transaction() as session:
        return bool(session.scalar(select(Run.run_after <= func.now()).where(Run.id == run_id)))


def start(run_id: int, **how: Any) -> BaseProcess:
    """A worker that answers one doorbell and ends: with 0 when the run has its end, with 1 when it let go of it."""
    FORKING.set_forkserver_preload(["tests.chaos.other_worker"])
    settings = {name: value for name, value in os.environ.items() if name.startswith("PLACKETT_")}
    settings |= how.pop("settings", {})
    worker: BaseProcess = FORKING.Process(target=work, args=(run_id, settings), kwargs=how)
    worker.start()
    return worker


def work(
    run_id: int,
    settings: dict[str, str],
    *,
    command: list[str] | None = None,
    unfenced: bool = False,
    freeze_before: str | None = None,
    trusting: bool = False,
    storing: Any = None,
) -> None:
    """What the process does. It stops itself right before its first write of the kind `freeze_before`.

    One that is `trusting` never doubts that the run is still its own, so that the database alone is left to refuse it.
    """
    os.environ.update(settings)
    logging.basicConfig(level=logging.INFO)
    if command is not None:
        child.RECIPE[:] = command
    if trusting:
        Heart.lost = lambda _heart: False  # type: ignore[method-assign]
    if storing is not None:
        show_storing(storing)
    for name in WRITES:
        written: Write = getattr(leases, name)
        if unfenced:
            written = forgetting_the_fence(written)
        if name == freeze_before:
            written = frozen_first(written)
        setattr(leases, name, written)
    let_go: list[str] = []
    execution.logger.warning = lambda text, *values: let_go.append(text % values)  # type: ignore[method-assign]
    execution.execute(run_id)
    sys.exit(1 if any("lets go" in line for line in let_go) else 0)


def forgetting_the_fence(written: Write) -> Write:
    """A write as it would be without fences: by whoever holds the run's number, whatever happened since."""

    def write(session: Session, held: Claim, *arguments: Any, **named: Any) -> Any:
        fence = session.scalars(select(Run.fence).where(Run.id == held.run_id)).one()
        return written(session, replace(held, fence=fence), *arguments, **named)

    return write


def frozen_first(written: Write) -> Write:
    """A write that comes after a long sleep, the first time."""
    slept: list[bool] = []

    def write(session: Session, held: Claim, *arguments: Any, **named: Any) -> Any:
        # A worker that just took a checkpoint is frozen, so that there is something to go on from.
        if not slept and (named.get("durable") or not named):
            slept.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return written(session, held, *arguments, **named)

    return write


def show_storing(storing: Any) -> None:
    """Let others see when this worker is in the middle of storing."""
    store = Relay.store

    def watched(relay: Relay) -> bool:
        storing.value = not relay.batch.is_empty()
        try:
            return store(relay)
        finally:
            storing.value = False

    Relay.store = watched  # type: ignore[method-assign]
