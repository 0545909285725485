"""What annotators get: never a model's name, a score, or another person's judgment."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.desk.service import Next, Waiting
from app.desk.shown import Desk
from app.inputs import Input
from app.rankings.judgment import Judgment
from app.rankings.tables import Ranking
from app.tasks.schemas import AssignmentState


class ClaimRequest(Input):
    """What is already on the desk."""

    holding: Annotated[
        list[Annotated[int, Field(ge=1, le=2**63 - 1)]],
        Field(default_factory=list, max_length=16, description="Ids of the assignments that the page already shows."),
    ]


class PromptShown(BaseModel):
    """The conversation to answer."""

    id: int
    messages: list[dict[str, Any]]


class CardRead(BaseModel):
    """One completion under its letter."""

    id: int
    letter: str
    text: str


class DraftRead(BaseModel):
    """The unfinished answer that was kept."""

    tiers: list[list[int]]
    ratings: dict[int, int] = Field(default_factory=dict)
    flags: dict[int, list[str]] = Field(default_factory=dict)
    rationale: str | None = None
    strength: int | None = None
    aspects: dict[int, dict[str, int]] = Field(default_factory=dict)
    prompt_flags: list[str] = Field(default_factory=list)
    none_acceptable: bool = False
    sequence: int


class PreviousRanking(BaseModel):
    """The ranking that a revision would replace; it stays current until then."""

    ranking_id: int
    revision: int
    tiers: list[list[int]]
    ratings: dict[int, int]
    flags: dict[int, list[str]]
    rationale: str | None
    strength: int | None
    aspects: dict[int, dict[str, int]]
    prompt_flags: list[str]
    none_acceptable: bool


class PracticeRead(BaseModel):
    """Where this task stands in the practice round: the `number`-th `of` so many, in which attempt."""

    number: int
    of: int
    attempt: int


class GuidelineRead(BaseModel):
    """The newest version of the guidelines, and the one you were last shown; null where there is none."""

    number: int | None
    seen: int | None


class FormRead(BaseModel):
    """What the project asks beside the order; the strength of a preference only where two completions are ranked."""

    ties_allowed: bool
    ask_rating: bool
    ask_flags: bool
    flags: list[str]
    rationale: Literal["off", "optional", "required"]
    ask_strength: Literal["off", "optional", "required"]
    aspects: list[str]
    prompt_flags: list[str]
    ask_none_acceptable: bool


class AssignmentRead(BaseModel):
    """A task on the desk, completions in the order to show."""

    id: int
    task_id: int
    project_id: int
    state: AssignmentState
    leased_until: datetime | None
    purpose: Literal["collect", "practice"]
    practice: PracticeRead | None
    guideline: GuidelineRead
    prompt: PromptShown
    completions: list[CardRead]
    draft: DraftRead | None
    draft_sequence: Annotated[
        int, Field(description="Where the next draft's sequence goes on from; no older one wins.")
    ]
    previous: PreviousRanking | None
    form: FormRead
    is_revision: bool


class RunShown(BaseModel):
    """The run that writes completions right now."""

    id: int
    kind: str
    state: str
    progress: dict[str, Any]


class WaitingRead(BaseModel):
    """Why there is nothing to do, in words, and when to ask again."""

    reason: Literal["no_prompts", "writing", "all_done", "paused", "daily_cap", "practice_failed"]
    text: str
    retry_after_s: int
    run: RunShown | None


class ClaimRead(BaseModel):
    """The next assignment, or why there is none; both null when the desk holds as much as one person may."""

    assignment: AssignmentRead | None
    waiting: WaitingRead | None


def assignment_read(desk: Desk) -> AssignmentRead:
    """The wire form of an assignment."""
    assignment, settings = desk.assignment, desk.settings
    return AssignmentRead.model_validate(
        {
            "id": assignment.id,
            "task_id": assignment.task_id,
            "project_id": assignment.project_id,
            "state": assignment.state,
            "leased_until": assignment.leased_until,
            "purpose": "practice" if desk.practice else "collect",
            "practice": asdict(desk.practice) if desk.practice else None,
            "guideline": {"number": desk.guideline_number, "seen": desk.guideline_seen},
            "prompt": {"id": desk.prompt_id, "messages": desk.messages},
            "completions": [{"id": card.id, "letter": card.letter, "text": card.text} for card in desk.cards],
            "draft": assignment.draft,
            "draft_sequence": assignment.draft_sequence,
            "previous": _previous(*desk.previous) if desk.previous else None,
            "form": {
                "ties_allowed": settings.ties_allowed,
                "ask_rating": settings.ask_rating,
                "ask_flags": settings.ask_flags,
                "flags": settings.flags,
                "rationale": settings.rationale,
                "ask_strength": settings.ask_strength if len(desk.cards) == 2 else "off",
                "aspects": settings.aspects,
                "prompt_flags": settings.prompt_flags,
                "ask_none_acceptable": settings.ask_none_acceptable,
            },
            "is_revision": desk.previous is not None,
        }
    )


def _previous(ranking: Ranking, judgment: Judgment) -> dict[str, Any]:
    return {
        "ranking_id": ranking.id,
        "revision": ranking.revision,
        "tiers": judgment.tiers,
        "ratings": judgment.ratings,
        "flags": judgment.flags,
        "rationale": judgment.rationale,
        "strength": judgment.strength,
        "aspects": judgment.aspects,
        "prompt_flags": judgment.prompt_flags,
        "none_acceptable": judgment.none_acceptable,
    }


def claim_read(following: Next) -> ClaimRead:
    """The wire form of what comes next."""
    return ClaimRead(
        assignment=assignment_read(following.desk) if following.desk else None,
        waiting=_waiting_read(following.waiting) if following.waiting else None,
    )


def _waiting_read(waiting: Waiting) -> WaitingRead:
    run = waiting.run
    return WaitingRead(
        reason=waiting.reason,
        text=waiting.text,
        retry_after_s=waiting.retry_after_s,
        run=RunShown(id=run.id, kind=run.kind, state=run.state, progress=run.progress) if run else None,
    )
