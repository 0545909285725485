"""A project and who works in it."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class Project(Base):
    """One alignment effort. `settings` is what `ProjectSettings` validates; absent keys mean the defaults."""

    __tablename__ = "projects"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    archived_at: Mapped[datetime | None]


class Membership(Base):
    """A person's one role in a project; `paused_at` stops new work without taking the role away."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("role IN ('admin', 'annotator', 'researcher')", name="role"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[Literal["admin", "annotator", "researcher"]] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    paused_at: Mapped[datetime | None]
    # The newest guidelines this person was shown the changes of, and whether they passed the practice round.
    guideline_seen: Mapped[int | None]
    practice_passed_at: Mapped[datetime | None]
    practice_attempt: Mapped[int] = mapped_column(server_default=text("1"))
