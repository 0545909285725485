"""Rankings on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.inputs import Input, Line
from app.projects.settings import ProjectSettings
from app.prompts.messages import excerpt_of
from app.rankings.judgment import Form, Judgment, Presentation
from app.rankings.known_answers import OwnAgreement
from app.rankings.practice import Rule
from app.rankings.progress import HistoryRow, Progress
from app.tasks.schemas import (
    Aspects,
    CompletionKey,
    Flags,
    PromptFlags,
    Ratings,
    Rationale,
    Strength,
    Tiers,
)

A_DAY_MS = 24 * 60 * 60 * 1000
Milliseconds = Annotated[int, Field(ge=0, le=A_DAY_MS)]
Pixels = Annotated[int, Field(ge=0, le=100_000)]


class ClientShown(Input):
    """The window and page that a judgment was made in."""

    width: Pixels | None = None
    height: Pixels | None = None
    touch: bool | None = None
    language: Annotated[Line, Field(max_length=40)] | None = None
    theme: Annotated[Line, Field(max_length=40)] | None = None


class PresentationShown(Input):
    """What the person had before them, as far as the page knows."""

    client: ClientShown = Field(default_factory=ClientShown)
    visible_ms: dict[CompletionKey, Milliseconds] = Field(
        default_factory=dict, max_length=9, description="Completion id → how long it was on screen."
    )
    layout: Literal["columns", "stack", "by_place"] | None = None
    differences_shown: bool = False
    first_act_ms: Milliseconds | None = None


class NewRanking(Input):
    """A judgment: every completion of the task in exactly one tier."""

    tiers: Tiers
    ratings: Ratings
    flags: Flags
    rationale: Rationale | None = None
    strength: Strength | None = None
    aspects: Aspects
    prompt_flags: PromptFlags
    none_acceptable: bool = False
    guideline_number: Annotated[int, Field(ge=1, le=2**31)] | None = Field(
        None, description="The version of the guidelines that was at hand."
    )
    presentation: PresentationShown = Field(default_factory=PresentationShown)
    touched: bool = Field(True, description="False when the order on screen was left as it came.")
    moves: Annotated[int, Field(ge=0, le=1_000_000, description="How often a completion was moved.")] = 0
    active_ms: Annotated[Milliseconds, Field(description="Time at work, idle time left out.")] = 0


class ProgressRead(BaseModel):
    """What you have done in this project; `median_seconds` is null before the first ranking."""

    today: int
    total: int
    median_seconds: float | None


class GoldRead(BaseModel):
    """How well your judgments agree with the known answers that were among your tasks, 0 to 1.

    Only judgments whose edit window is over count.
    """

    judged: int
    agreement: float


class MyProgress(ProgressRead):
    """Your progress, and how you did on known answers once there are enough of them to tell."""

    gold: GoldRead | None


class PracticeStanding(BaseModel):
    """Where you stand in the practice round; `passed` and `share` (mean agreement) are null before its end."""

    done: int
    of: int
    passed: bool | None
    share: float | None
    attempts_left: int


class Feedback(BaseModel):
    """What was right, after a practice task; `agreement` is the share of pairs on which you say the same."""

    agreement: float
    right_tiers: list[list[int]]
    explanation: str
    practice: PracticeStanding


class RankingReceipt(BaseModel):
    """What became of a submitted ranking. `extra`: kept, although others had filled the task in the meantime."""

    ranking_id: int
    revision: int
    extra: bool
    comparisons: int
    submitted_at: datetime
    editable_until: datetime
    progress: ProgressRead
    feedback: Feedback | None = None


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
        strength=new.strength,
        aspects=new.aspects,
        prompt_flags=new.prompt_flags,
        none_acceptable=new.none_acceptable,
        guideline_number=new.guideline_number,
        presentation=_presentation_from(new.presentation),
        touched=new.touched,
        moves=new.moves,
        active_ms=new.active_ms,
    )


def _presentation_from(shown: PresentationShown) -> Presentation:
    client: dict[str, Any] = shown.client.model_dump(exclude_none=True)
    return Presentation(
        client=client,
        visible_ms=shown.visible_ms,
        layout=shown.layout,
        differences_shown=shown.differences_shown,
        first_act_ms=shown.first_act_ms,
    )


def form_of(settings: ProjectSettings) -> Form:
    """What a project asks."""
    return Form(
        ties_allowed=settings.ties_allowed,
        ask_rating=settings.ask_rating,
        ask_flags=settings.ask_flags,
        flags=tuple(settings.flags),
        rationale=settings.rationale,
        ask_strength=settings.ask_strength,
        aspects=tuple(settings.aspects),
        prompt_flags=tuple(settings.prompt_flags),
        ask_none_acceptable=settings.ask_none_acceptable,
    )


def practice_rule(settings: ProjectSettings) -> Rule:
    """What it takes to pass the practice round."""
    return Rule(pass_share=settings.practice.pass_share, attempts=settings.practice.attempts)


def my_progress(progress: Progress, gold: OwnAgreement | None) -> MyProgress:
    """The wire form of a person's progress."""
    return MyProgress(
        today=progress.today,
        total=progress.total,
        median_seconds=progress.median_seconds,
        gold=GoldRead(judged=gold.judged, agreement=gold.agreement) if gold else None,
    )


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
