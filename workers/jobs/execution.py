"""A job: claim a run, start its recipe in a child, relay what it tells, finish the run whatever happens."""

import errno
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import isolation
from app.config import get_settings
from app.db import transaction
from app.errors import AppError
from app.isolation import NotIsolatedError
from app.loop import advancing
from app.runs import leases, turns
from app.runs.events import note
from app.runs.leases import Claim, Failure, FenceLostError
from app.runs.tables import RunCheckpoint
from app.storage import DamagedArtifactError, Stored, store
from workers.jobs import (
    best_of_n,
    child,
    devices,
    dpo,
    evaluate,
    folders,
    import_model,
    outcome,
    ppo,
    pretrain,
    reward,
    room,
    sample,
    sft,
)
from workers.jobs.devices import Share
from workers.jobs.folders import Inputs
from workers.jobs.heart import UNAVAILABLE, Heart
from workers.jobs.kind import Kind
from workers.jobs.outcome import Pause, Stall, Success
from workers.jobs.relay import Relay

logger = logging.getLogger(__name__)

KINDS: Final[dict[str, Kind]] = {
    "import_model": import_model.KIND,
    "sample": sample.KIND,
    "pretrain": pretrain.KIND,
    "sft": sft.KIND,
    "reward": reward.KIND,
    "ppo": ppo.KIND,
    # They work on what PPO works on and leave what it leaves.
    "rloo": ppo.KIND,
    "grpo": ppo.KIND,
    "dpo": dpo.KIND,
    "best_of_n": best_of_n.KIND,
    "evaluate": evaluate.KIND,
}
LISTEN_SECONDS: Final = 0.2
CANCEL_GRACE_SECONDS: Final = 10.0
STOP_GRACE_SECONDS: Final = 2.0
# For a hung child to write down where each of its threads is.
STACK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.5

# Set once this worker has been asked to end: the run it works on goes back into the queue.
stopping = threading.Event()


class Interruption(Enum):
    """Why a child was ended before it was done, or not started."""

    CANCELLED = auto()
    STOPPING = auto()
    HUNG = auto()
    TOO_LARGE = auto()


Ending = Success | Failure | Stall | Pause | Interruption
# A state in which no child may be started any more, and what that means for the run.
UNWANTED: Final[dict[str, Ending]] = {"cancelling": Interruption.CANCELLED, "pausing": Pause(step=None)}


def owner_name() -> str:
    """This worker's name in leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def execute(run_id: int) -> int | None:
    """Answer a doorbell: work on the most urgent run of its queue to its end; that run's id, or None."""
    lease_seconds = get_settings().run_lease_seconds
    if stopping.is_set():
        return None
    with transaction() as session:
        held = leases.claim(session, run_id, owner=owner_name(), lease_seconds=lease_seconds, devices=devices.count())
    if held is None:
        return None
    try:
        with Heart(held, lease_seconds) as heart:
            Job(held, heart, KINDS[held.kind]).work()
    except FenceLostError as error:
        logger.warning("%s; this worker lets go of it", error)
    return held.run_id


@dataclass
class Job:
    """One claim's work."""

    held: Claim
    heart: Heart
    kind: Kind

    def work(self) -> None:
        """Bring the run to an end, whatever happens on the way."""
        try:
            ending = self._carry_out()
            stored = self._keep_artifact(ending)
        except FenceLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a run must end, also where this program is wrong
            ending, stored = self._explain(error), None
        try:
            self._conclude(ending, stored)
        except FenceLostError:
            raise
        except Exception as error:  # noqa: BLE001 - as above; this time nothing is registered
            self._conclude(self._explain(error), None)

    def _carry_out(self) -> Ending:
        if self._patiently(lambda session: room.lacks(session, self.held)):
            return Interruption.TOO_LARGE
        share = devices.share_of(self.held)
        inputs, checkpoints = self._patiently(self._gather)
        folder = self._patiently(lambda session: folders.make(session, self.held, inputs))
        folders.furnish(folder, self.held, inputs, store(), share=share)
        step = folders.resume_from(folder, self.held, inputs, checkpoints, share=share)
        state = self._patiently(lambda session: self._start(session, bool(checkpoints), step, share))
        if state in UNWANTED:
            return UNWANTED[state]
        return Watch(self, folder, share.threads).until_the_end()

    def _gather(self, session: Session) -> tuple[Inputs, list[RunCheckpoint]]:
        inputs = self.kind.prepare(session, self.held)
        mine = (RunCheckpoint.run_id == self.held.run_id, RunCheckpoint.retired_at.is_(None))
        checkpoints = session.scalars(select(RunCheckpoint).where(*mine).order_by(RunCheckpoint.step.desc()))
        return inputs, list(checkpoints)

    def _start(self, session: Session, had_checkpoints: bool, step: int, share: Share) -> str:
        if had_checkpoints:
            text = f"Goes on from the checkpoint of step {step}." if step else "No checkpoint is usable; starts over."
            leases.report(session, self.held, [note(text)], progress={})
        if share.processes > 1:
            text = f"{share.processes} processes share it, each with {share.threads} threads."
            leases.report(session, self.held, [note(text)], progress={})
        where = isolation.found(get_settings())
        leases.report(session, self.held, [note(f"On this machine: {where.words}.")], progress={})
        room.write_down(session, self.held)
        return leases.start(session, self.held)

    def _keep_artifact(self, ending: Ending) -> Stored | None:
        if not isinstance(ending, Success) or ending.artifact is None:
            return None
        stored = store().put(folders.path_of(self.held) / ending.artifact)
        if stored.sha256 != ending.sha256:
            raise DamagedArtifactError("the result is another artifact than the training process said")
        return stored

    def _conclude(self, ending: Ending, stored: Stored | None) -> None:
        self._patiently(lambda session: self._write_end(session, ending, stored))
        if isinstance(ending, Success):
            folders.forget_run(self.held)
        else:
            folders.forget_inputs(folders.path_of(self.held))

    def _write_end(self, session: Session, ending: Ending, stored: Stored | None) -> None:
        if ending is Interruption.STOPPING:
            leases.hand_back(session, self.held)
            return
        if ending is Interruption.TOO_LARGE:
            room.hand_back(session, self.held)
            return
        if isinstance(ending, Success):
            leases.succeed(session, self.held, result_of(ending, stored))
            self.kind.finish(session, self.held, ending, stored)
        elif isinstance(ending, Stall):
            limits = get_settings()
            leases.stall(
                session,
                self.held,
                ending.failure,
                lease_seconds=limits.run_lease_seconds,
                max_stalls=limits.run_max_stalls,
            )
        elif isinstance(ending, Failure):
            leases.fail(session, self.held, ending)
        elif isinstance(ending, Pause):
            leases.paused(session, self.held, step=ending.step)
        else:
            leases.cancelled(session, self.held)
        turns.ring_who_waited(session, self.held.project_id)
        if self.held.cycle_id is not None:
            advancing.advance_quietly(session, self.held.cycle_id)

    def _patiently(self, step: Callable[[Session], Any]) -> Any:
        """Do `step` in a transaction; again while the database is away and the lease holds."""
        while True:
            try:
                with transaction() as session:
                    return step(session)
            except UNAVAILABLE as error:
                if self.heart.lost():
                    raise FenceLostError(f"run {self.held.run_id} was lost while the database was away") from error
                logger.warning("run %s waits for the database: %s", self.held.run_id, error)
                time.sleep(RETRY_SECONDS)

    def _explain(self, error: Exception) -> Failure:
        """A failure on this side of the pipe."""
        logger.exception("run %s failed in its worker", self.held.run_id, exc_info=error)
        log = child.log_tail(folders.path_of(self.held))
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return outcome.failure("disk_full", "The disk is full.", log=log)
        if isinstance(error, DamagedArtifactError):
            return outcome.failure("bad_model", str(error))
        if isinstance(error, NotIsolatedError):
            return outcome.failure("not_isolated", f"{error}.")
        if isinstance(error, AppError):
            return outcome.failure("bad_data", error.detail, advice=error.advice)
        return outcome.failure("error", f"The worker failed: {type(error).__name__}.", log=log)


@dataclass
class Watch:
    """A child being listened to until it has ended."""

    job: Job
    folder: Path
    threads: int
    interruption: Interruption | None = None

    def until_the_end(self) -> Ending:
        """Start the child, store what it tells, end it when it is not wanted any more; how it ended."""
        kills = outcome.memory_kills()
        process = child.start(self.folder, threads=self.threads, online=self.job.kind.online(self.job.held))
        try:
            relay = Relay(self.job.held, self.folder, self.job.kind.record)
            while not process.ended():
                relay.take(process.read(LISTEN_SECONDS))
                if relay.is_due():
                    relay.store()
                self._interrupt(process)
        finally:
            process.close()
        self._store_rest(relay)
        return self._ending(process, relay, ran_out_of_memory=outcome.memory_kills() > kills)

    def _ending(self, process: child.Child, relay: Relay, *, ran_out_of_memory: bool) -> Ending:
        ended = outcome.judge(
            process.process.returncode,
            result=relay.result,
            told=relay.failure,
            paused=relay.paused if process.asked_to_pause else None,
            ran_out_of_memory=ran_out_of_memory,
            log=child.log_tail(self.folder),
        )
        if isinstance(ended, Success | Pause) or self.interruption is None:
            return ended
        if self.interruption is Interruption.HUNG:
            return outcome.hung(get_settings().run_hang_seconds, log=child.log_tail(self.folder))
        return self.interruption

    def _interrupt(self, process: child.Child) -> None:
        if self.job.heart.lost():
            raise FenceLostError(f"run {self.job.held.run_id} was lost: another claim, or no heartbeat got through")
        if self.job.heart.cancelled:
            self.interruption = Interruption.CANCELLED
            process.ask_to_stop(CANCEL_GRACE_SECONDS)
        elif stopping.is_set():
            self.interruption = Interruption.STOPPING
            process.ask_to_stop(STOP_GRACE_SECONDS)
        elif process.silent_seconds() > get_settings().run_hang_seconds or self.interruption is Interruption.HUNG:
            self.interruption = Interruption.HUNG
            process.end_hung(STACK_SECONDS)
        elif self.job.heart.pausing:
            process.ask_to_pause()

    def _store_rest(self, relay: Relay) -> None:
        while not relay.store():
            if self.job.heart.lost():
                raise FenceLostError(f"run {self.job.held.run_id} was lost while the database was away")
            time.sleep(RETRY_SECONDS)


def result_of(success: Success, stored: Stored | None) -> dict[str, Any]:
    """What the run's row keeps of its result."""
    artifact = {"sha256": stored.sha256, "bytes": stored.size} if stored else None
    return {"artifact": artifact, "metrics": success.metrics, "report": success.report}
