"""What annotators tell the admins about a prompt."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class Report(Base):
    """A prompt that a person found wanting; one person reports a prompt once, and may say more later."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("prompt_id", "reporter_id"),
        CheckConstraint("reason IN ('unclear', 'personal_data', 'harmful', 'other')", name="reason"),
        CheckConstraint("outcome IN ('dismissed', 'prompt_retired')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (resolved_at IS NULL)", name="resolved"),
        Index("ix_reports_project_id_id", "project_id", "id"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"), index=True)
    reporter_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[CreatedAt]
    outcome: Mapped[str | None] = mapped_column(Text)
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    resolved_at: Mapped[datetime | None]
