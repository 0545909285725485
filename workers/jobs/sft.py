"""Fine-tuning runs: freeze the demonstrations, learn from them, register a model that writes."""

from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from app.datasets import demonstrations
from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, frozen_inputs, launched_by, register
from workers.jobs.outcome import Success


def prepare(session: Session, held: Claim) -> Inputs:
    """Freeze what people have written by now; a resumed run keeps the snapshot of its first attempt."""
    freeze = partial(
        demonstrations.freeze_demonstrations,
        session,
        project_id=held.project_id,
        created_by=launched_by(session, held),
        run_id=held.run_id,
    )
    return frozen_inputs(session, held, freeze, write_rows)


def write_rows(session: Session, snapshot_id: int, path: Path) -> int:
    """The snapshot's demonstrations, one line each."""
    return demonstrations.write_demonstration_rows(session, snapshot_id=snapshot_id, path=path)


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the fine-tuned model."""
    register(session, held, success, stored, "sft")


KIND = Kind(prepare=prepare, finish=finish)
