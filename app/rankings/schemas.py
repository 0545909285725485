"""Rankings on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.inputs import Input
from app.projects.settings import ProjectSettings
from app.rankings.judgment import Form, Judgment
from app.rankings.progress import HistoryRow, Progress
from app.tasks.schemas import Flags, Ratings, Rationale, Tiers, excerpt_of

A_DAY_MS = 24 * 60 * 60 * 1000


class NewRanking(Input):
    """A judgment: every completion of the task in exactly one tier."""

    tiers: Tiers
    ratings: Ratings
    flags: Flags
    rationale: Rationale | None = None
    touched: bool = Field(True, description="False when the order on screen was left as it came.")
    moves: Annotated[int, Field(ge=0, le=1_000_000, description="How often a completion was moved.")] = 0
    active_ms: Annotated[int, Field(ge=0, le=A_DAY_MS, description="Time at work, idle time left out.")] = 0


class ProgressRead(BaseModel):
    """What you have done in this project; `median_seconds` is null before the first ranking."""

    today: int
    total: int
    median_seconds: float | None


class RankingReceipt(BaseModel):
    """What became of a submitted ranking. `extra`: kept, although others had filled the task in the meantime."""

    ranking_id: int
    revision: int
    extra: bool
    comparisons: int
    submitted_at: datetime
    editable_until: datetime
    progress: ProgressRead


class OwnRanking(BaseModel):
    """One of your rankings in the history."""

    ranking_id: int
    assignment_id: int
    prompt_excerpt: str
    revision: int
    submitted_at: datetime
    editable_until: datetime


def judgment_from(new: NewRanking) -> Judgment:
    """The judgment in a request."""
    return Judgment(
        tiers=new.tiers,
        ratings=new.ratings,
        flags=new.flags,
        rationale=new.rationale,
        touched=new.touched,
        moves=new.moves,
        active_ms=new.active_ms,
    )


def form_of(settings: ProjectSettings) -> Form:
    """What a project asks."""
    return Form(
        ties_allowed=settings.ties_allowed,
        ask_rating=settings.ask_rating,
        ask_flags=settings.ask_flags,
        flags=tuple(settings.flags),
        rationale=settings.rationale,
    )


def progress_read(progress: Progress) -> ProgressRead:
    """The wire form of a person's progress."""
    return ProgressRead(today=progress.today, total=progress.total, median_seconds=progress.median_seconds)


def own_ranking(row: HistoryRow) -> OwnRanking:
    """The wire form of a row of the history."""
    return OwnRanking(
        ranking_id=row.ranking.id,
        assignment_id=row.ranking.assignment_id,
        prompt_excerpt=excerpt_of(row.prompt.messages),
        revision=row.ranking.revision,
        submitted_at=row.ranking.created_at,
        editable_until=row.editable_until,
    )
