"""What a finished run left to read: its report, and the card of the model it made."""

from typing import Any, Final

from app.errors import Conflict
from app.runs.tables import Run
from app.storage import ArtifactStore, DamagedArtifactError

CARD: Final = "README.md"


def result_of(run: Run) -> dict[str, Any]:
    """The run's result: artifact, metrics, report; `Conflict` while there is none."""
    if run.result is None:
        raise Conflict(
            f"run {run.id} has no report: it is {run.state}",
            type="no-report",
            advice="A run reports once it has succeeded.",
        )
    return run.result


def artifact_of(run: Run) -> str | None:
    """The name of the artifact that the run stored, if it made one."""
    artifact = result_of(run).get("artifact") or {}
    return artifact.get("sha256")


def card_of(run: Run, store: ArtifactStore) -> str:
    """The model card in markdown; `Conflict` when the run made no model, or its files are gone or damaged."""
    sha256 = artifact_of(run)
    if sha256 is None:
        raise Conflict(f"run {run.id} made no model, so there is no card", type="no-card")
    try:
        return store.text(sha256, CARD)
    except DamagedArtifactError as damage:
        raise Conflict(
            f"the card of run {run.id} cannot be read: {damage}",
            type="damaged-artifact",
            advice="`plackett doctor` looks at the artifact store.",
        ) from damage
