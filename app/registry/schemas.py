"""Model versions on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.registry.tables import ModelVersion

Kind = Literal["base", "sft", "reward", "policy"]
Stage = Literal["candidate", "live", "archived"]


class ArtifactRead(BaseModel):
    """The stored weights: the hash that names them, and their size."""

    sha256: str
    bytes: int


class ModelVersionRead(BaseModel):
    """One model; `artifact` is null until an imported model's weights are there."""

    id: int
    project_id: int
    name: str
    kind: Kind
    number: int
    stage: Stage
    parent_id: int | None
    base_id: int | None
    run_id: int | None
    dataset_snapshot_id: int | None
    source: dict[str, Any]
    artifact: ArtifactRead | None
    metrics: dict[str, Any]
    created_at: datetime
    promoted_at: datetime | None


class ModelVersionLineage(ModelVersionRead):
    """A model with every model it came from and every model that came from it, oldest first."""

    ancestors: list[ModelVersionRead]
    children: list[ModelVersionRead]


def model_version_read(version: ModelVersion) -> ModelVersionRead:
    """The wire form of a model version."""
    columns = {name: getattr(version, name) for name in ModelVersionRead.model_fields if name != "artifact"}
    artifact = (
        ArtifactRead(sha256=version.artifact_sha256, bytes=version.artifact_bytes or 0)
        if version.artifact_sha256
        else None
    )
    return ModelVersionRead(**columns, artifact=artifact)


def lineage_read(
    version: ModelVersion, ancestors: list[ModelVersion], children: list[ModelVersion]
) -> ModelVersionLineage:
    """The wire form of a model version with its relatives."""
    own = model_version_read(version).model_dump()
    return ModelVersionLineage(
        **own,
        ancestors=[model_version_read(one) for one in ancestors],
        children=[model_version_read(one) for one in children],
    )
