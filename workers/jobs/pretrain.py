"""Pretraining runs: learn a raw text, from nothing or from a base, and register a base."""

from sqlalchemy.orm import Session

from app.registry import service as registry
from app.registry.service import NewModel
from app.runs import leases
from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, models_of, text_of
from workers.jobs.outcome import Success


def prepare(session: Session, held: Claim) -> Inputs:
    """The text is the run's dataset: it was frozen when it was uploaded."""
    leases.set_inputs(session, held, {}, dataset_snapshot_id=held.inputs["text_id"])
    return Inputs(models=models_of(session, held), text=text_of(session, held, "data.txt"))


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the base, below the one that it goes on from if there is one."""
    if stored is None:
        raise ValueError("the pretraining left no artifact")
    new = NewModel(
        project_id=held.project_id,
        kind="base",
        name=held.inputs.get("name"),
        parent_id=held.inputs["models"].get("base"),
        run_id=held.run_id,
        dataset_snapshot_id=held.inputs["text_id"],
        artifact_sha256=stored.sha256,
        artifact_bytes=stored.size,
        metrics=success.metrics,
    )
    registry.register_model(session, new)


KIND = Kind(prepare=prepare, finish=finish)
