"""Model versions: the nodes of the lineage graph."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class ModelVersion(Base):
    """One model: imported (`base`) or made by a run. `base_id` is the model whose weights an adapter sits on.

    `artifact_sha256` names its folder in the artifact store; it is null until an imported model's weights are there.
    """

    __tablename__ = "model_versions"
    __table_args__ = (
        CheckConstraint("kind IN ('base', 'sft', 'reward', 'policy')", name="kind"),
        CheckConstraint("stage IN ('candidate', 'live', 'archived')", name="stage"),
        UniqueConstraint("project_id", "kind", "number"),
        Index(
            "uq_model_versions_one_live_reward",
            "project_id",
            unique=True,
            postgresql_where=text("stage = 'live' AND kind = 'reward'"),
        ),
        Index(
            "uq_model_versions_one_live_policy",
            "project_id",
            unique=True,
            postgresql_where=text("stage = 'live' AND kind <> 'reward'"),
        ),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[int]
    stage: Mapped[str] = mapped_column(Text, server_default="candidate")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    base_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", use_alter=True), index=True)
    dataset_snapshot_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_snapshots.id", use_alter=True), index=True
    )
    source: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    artifact_sha256: Mapped[str | None] = mapped_column(Text)
    artifact_bytes: Mapped[int | None]
    metrics: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    promoted_at: Mapped[datetime | None]
