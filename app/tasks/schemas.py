"""Tasks and assignments on the wire. What annotators get is in `app/desk/schemas.py`."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from app.inputs import Input, Prose, Slug
from app.prompts.messages import excerpt_of
from app.tasks.service import TaskRow

# Keys of a JSON object are strings, so ids there are read from digits.
CompletionKey = Annotated[int, Field(strict=False, ge=1, le=2**63 - 1)]
CompletionId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Tier = Annotated[list[CompletionId], Field(max_length=9)]
Tiers = Annotated[list[Tier], Field(max_length=9, description="Tiers of completion ids, best first; a tier is a tie.")]
TiersSoFar = Annotated[Tiers, Field(default_factory=list)]
Ratings = Annotated[
    dict[CompletionKey, Annotated[int, Field(ge=1, le=7)]],
    Field(default_factory=dict, max_length=9, description="Completion id → rating, 1 worst to 7 best."),
]
Flags = Annotated[
    dict[CompletionKey, Annotated[list[Slug], Field(max_length=50)]],
    Field(default_factory=dict, max_length=9, description="Completion id → the flags that apply."),
]
Rationale = Annotated[Prose, Field(max_length=20_000)]
Strength = Annotated[
    int, Field(ge=1, le=4, description="1 negligibly, 2 slightly, 3 better, 4 significantly better; of a decided pair.")
]
Aspects = Annotated[
    dict[CompletionKey, Annotated[dict[Slug, Annotated[int, Field(ge=1, le=7)]], Field(max_length=10)]],
    Field(default_factory=dict, max_length=9, description="Completion id → aspect → rating, 1 worst to 7 best."),
]
PromptFlags = Annotated[
    list[Slug], Field(default_factory=list, max_length=50, description="The flags that apply to the prompt itself.")
]
Overlap = Annotated[int, Field(ge=1, le=50, description="Judgments a task gets, each by another person.")]
Written = Annotated[Prose, Field(max_length=100_000)]
SkipReason = Literal["unclear", "too_long", "personal_data", "harmful", "not_my_expertise", "other"]
AssignmentState = Literal["leased", "submitted", "skipped", "expired"]


class Draft(Input):
    """An unfinished answer; `sequence` grows with every change, so a late older one does not win.

    `text` is of a demonstration that is being written; everything else is of a ranking.
    """

    tiers: TiersSoFar
    ratings: Ratings
    flags: Flags
    rationale: Rationale | None = None
    strength: Strength | None = None
    aspects: Aspects
    prompt_flags: PromptFlags
    none_acceptable: bool = False
    text: Written | None = None
    sequence: int = Field(ge=1, le=2**53)


class LeaseRead(BaseModel):
    """Until when an assignment is held."""

    leased_until: datetime


class Skip(Input):
    """Why somebody passes a task on; silence is fine."""

    reason: SkipReason | None = None


class AssignmentStateRead(BaseModel):
    """Where an assignment stands."""

    state: AssignmentState


class OverlapChange(Input):
    """How many judgments tasks are to get from now on: those that are `open`, or `all`, finished ones too."""

    overlap: Overlap
    which: Literal["open", "all"] = "open"


class TasksChanged(BaseModel):
    """How many tasks now want another number of judgments than before."""

    changed: int


class TaskChange(Input):
    """What is to change about one task; what is not sent stays."""

    overlap: Overlap | None = None
    reserved_for: Annotated[
        int | None,
        Field(ge=1, le=2**63 - 1, description="The member who is to judge it, one slot more; null gives all back."),
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if "overlap" in self.model_fields_set and self.overlap is None:
            raise ValueError("overlap is a number from 1 to 50")
        return self


class TaskRead(BaseModel):
    """A task in the admin's list. `reserved_for`: members for whom a slot is kept that is not filled yet."""

    id: int
    prompt_id: int
    prompt_excerpt: str
    state: Literal["open", "done", "retired"]
    kind: Literal["ranking", "writing"]
    purpose: Literal["collect", "gold", "practice", "blind"]
    reserved_for: list[int]
    overlap: int
    judged: int
    priority_class: int
    created_at: datetime
    model_versions: list[str]


def task_read(row: TaskRow) -> TaskRead:
    """The wire form of a task."""
    task = row.task
    return TaskRead.model_validate(
        {
            "id": task.id,
            "prompt_id": task.prompt_id,
            "prompt_excerpt": excerpt_of(row.prompt.messages),
            "state": task.state,
            "kind": task.kind,
            "purpose": task.purpose,
            "reserved_for": row.reserved_for,
            "overlap": task.overlap,
            "judged": row.judged,
            "priority_class": task.priority_class,
            "created_at": task.created_at,
            "model_versions": row.model_versions,
        }
    )
