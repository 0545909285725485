"""Guidelines on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.guidelines.service import Version
from app.inputs import Input, Prose

Number = Annotated[int, Field(ge=1, le=2**31)]


class GuidelinesChange(Input):
    """The whole new text, and the number of the version it was written from (null: there was none)."""

    text: Prose
    basis: Number | None = None


class GuidelinesSeen(Input):
    """The version that the person was shown."""

    number: Number


class VersionSummary(BaseModel):
    """A version without its text; `created_by` is null when the service itself wrote it."""

    number: int
    created_at: datetime
    created_by: str | None


class VersionRead(VersionSummary):
    """A version of the guidelines (markdown)."""

    text: str


class GuidelinesRead(BaseModel):
    """The newest version, `number` null and the text empty where there is none; `seen` is what you were last shown."""

    number: int | None
    text: str
    created_at: datetime | None
    created_by: str | None
    seen: int | None


def version_summary(version: Version) -> VersionSummary:
    """The wire form of a version in a list."""
    name = version.author.name if version.author else None
    return VersionSummary(number=version.row.number, created_at=version.row.created_at, created_by=name)


def version_read(version: Version) -> VersionRead:
    """The wire form of a version."""
    return VersionRead(**version_summary(version).model_dump(), text=version.row.text)


def guidelines_read(newest: Version | None, seen: int | None) -> GuidelinesRead:
    """The wire form of the guidelines as they are now."""
    if newest is None:
        return GuidelinesRead(number=None, text="", created_at=None, created_by=None, seen=seen)
    return GuidelinesRead(**version_read(newest).model_dump(), seen=seen)
