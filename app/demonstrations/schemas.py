"""Writing on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.demonstrations.service import WORDS, Next, WritingDesk
from app.demonstrations.uploading import Found
from app.inputs import Input
from app.prompts.schemas import LineError
from app.tasks.schemas import AssignmentState, CompletionId, Written

A_DAY_MS = 24 * 60 * 60 * 1000


class DemonstrationSplits(BaseModel):
    """Demonstrations by split."""

    train: int = 0
    validation: int = 0
    test: int = 0


class DemonstrationUpload(BaseModel):
    """What an uploaded file holds. `prompt_set_id` is the set with its new prompts and its report, null in a preview.

    `demonstrations` are those that were not there yet, `by_split` how they fall; test ones are never learnt from.
    `errors` are the first 20 lines that cannot be used; the set's own list has more.
    """

    prompt_set_id: int | None
    file_name: str
    lines: int
    demonstrations: int
    duplicates: int
    bad: int
    new_prompts: int
    by_split: DemonstrationSplits
    errors: list[LineError]


class WritingTasksWanted(Input):
    """How many prompts people are to answer, and how many people each."""

    count: Annotated[int, Field(ge=1, le=1000)]
    overlap: Annotated[int, Field(ge=1, le=50)] = 1
    prompt_set_id: CompletionId | None = None


class WritingTasksOpened(BaseModel):
    """How many prompts wait for a demonstration now that did not before."""

    opened: int


class WritingSummary(BaseModel):
    """Writing tasks by state, and how many demonstrations there are."""

    open: int
    done: int
    demonstrations: int


class WritingClaimRequest(Input):
    """What is already on the desk."""

    holding: list[CompletionId] = Field(default_factory=list, max_length=16, description="Ids of assignments.")


class WritingPrompt(BaseModel):
    """The conversation to answer."""

    id: int
    messages: list[dict[str, Any]]


class WritingDraft(BaseModel):
    """The unfinished text that was kept."""

    text: str
    sequence: int


class WritingGuideline(BaseModel):
    """The newest version of the guidelines, and the one you were last shown; null where there is none."""

    number: int | None
    seen: int | None


class WritingAssignment(BaseModel):
    """A prompt that wants your answer."""

    id: int
    task_id: int
    project_id: int
    state: AssignmentState
    leased_until: datetime | None
    prompt: WritingPrompt
    draft: WritingDraft | None
    draft_sequence: Annotated[
        int, Field(description="Where the next draft's sequence goes on from; no older one wins.")
    ]
    guideline: WritingGuideline


class WritingWaiting(BaseModel):
    """Why there is nothing to write, in words, and when to ask again."""

    reason: Literal["paused", "not_asked", "daily_cap", "all_done"]
    text: str
    retry_after_s: int


class WritingClaimRead(BaseModel):
    """The next assignment, or why there is none; both null when the desk holds as much as one person may."""

    assignment: WritingAssignment | None
    waiting: WritingWaiting | None


class NewDemonstration(Input):
    """The answer as its author would want to get it."""

    text: Written
    active_ms: Annotated[int, Field(ge=0, le=A_DAY_MS, description="Time at work, idle time left out.")] = 0


class WritingProgress(BaseModel):
    """How many demonstrations you wrote; days are UTC days."""

    today: int
    total: int


class DemonstrationReceipt(BaseModel):
    """The completion that your text became."""

    completion_id: int
    progress: WritingProgress


def writing_claim_read(following: Next) -> WritingClaimRead:
    """The wire form of what comes next."""
    waiting = None
    if following.waiting is not None:
        waiting = WritingWaiting(reason=following.waiting, text=WORDS[following.waiting], retry_after_s=60)
    assignment = writing_assignment(following.desk) if following.desk else None
    return WritingClaimRead(assignment=assignment, waiting=waiting)


def writing_assignment(desk: WritingDesk) -> WritingAssignment:
    """The wire form of a writing assignment."""
    assignment, draft = desk.assignment, desk.assignment.draft
    return WritingAssignment.model_validate(
        {
            "id": assignment.id,
            "task_id": assignment.task_id,
            "project_id": assignment.project_id,
            "state": assignment.state,
            "leased_until": assignment.leased_until,
            "prompt": {"id": desk.prompt_id, "messages": desk.messages},
            "draft": {"text": draft.get("text") or "", "sequence": draft["sequence"]} if draft else None,
            "draft_sequence": assignment.draft_sequence,
            "guideline": {"number": desk.guideline_number, "seen": desk.guideline_seen},
        }
    )


def upload_read(found: Found, file_name: str) -> DemonstrationUpload:
    """The wire form of an upload's report."""
    counts = {name: getattr(found, name) for name in DemonstrationUpload.model_fields if hasattr(found, name)}
    errors = [LineError.model_validate(error) for error in found.errors]
    return DemonstrationUpload.model_validate(
        {**counts, "file_name": file_name, "by_split": dict(found.by_split), "errors": errors}
    )
