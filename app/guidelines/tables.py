"""What a project asks its annotators to go by, as it changed over time."""

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class GuidelineVersion(Base):
    """One state of a project's guidelines (markdown), immutable; `number` counts from 1 in each project."""

    __tablename__ = "guideline_versions"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
