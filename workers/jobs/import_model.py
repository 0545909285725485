"""Imports: a published model becomes a checked artifact, and a model version gets its weights."""

from sqlalchemy.orm import Session

from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind
from workers.jobs.outcome import Success


def prepare(_session: Session, held: Claim) -> Inputs:
    """The child fetches everything itself."""
    return Inputs(source=held.inputs["source"])


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Give the waiting model version its weights, or register a new base model."""
    if stored is None:
        raise ValueError("the import left no artifact")
    target = held.inputs["models"].get("target")
    if target is None:
        registry.register_model(session, imported(held, success, stored))
        return
    version = session.get_one(ModelVersion, target)
    registry.attach_artifact(session, version, sha256=stored.sha256, size=stored.size, metrics=success.metrics)
    version.run_id = version.run_id or held.run_id


def imported(held: Claim, success: Success, stored: Stored) -> NewModel:
    """A base model version, a candidate until somebody promotes it."""
    return NewModel(
        project_id=held.project_id,
        kind="base",
        name=held.inputs.get("name"),
        run_id=held.run_id,
        source=held.inputs["source"],
        artifact_sha256=stored.sha256,
        artifact_bytes=stored.size,
        metrics=success.metrics,
    )


def online(held: Claim) -> bool:
    """Only an import from the hub may use the network's model hub."""
    return bool(held.inputs["source"].get("type") == "hub")


KIND = Kind(prepare=prepare, finish=finish, online=online)
