"""Known answers on the wire, for admins only."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from app.gold.service import Known, KnownRow
from app.inputs import Input, Prose
from app.prompts.messages import excerpt_of
from app.tasks.schemas import CompletionId, Tiers

Purpose = Literal["gold", "practice"]


class NewKnownAnswer(Input):
    """The right order of an existing task, or of 2 to 9 completions of a prompt."""

    purpose: Purpose
    tiers: Tiers
    explanation: Annotated[Prose, Field(max_length=20_000, description="Markdown; shown after a practice task.")] = ""
    task_id: CompletionId | None = None
    prompt_id: CompletionId | None = None
    completion_ids: list[CompletionId] = Field(default_factory=list, max_length=9)

    @model_validator(mode="after")
    def names_one_target(self) -> Self:
        """Either a task, or a prompt with completions."""
        if (self.task_id is None) == (self.prompt_id is None):
            raise ValueError("give either task_id, or prompt_id and completion_ids")
        return self


class KnownCompletion(BaseModel):
    """One of the completions in order."""

    id: int
    text: str


class KnownAnswerRead(BaseModel):
    """A known answer and how people did on it; `mean_agreement` is 0 to 1, null until somebody was asked."""

    task_id: int
    purpose: Purpose
    prompt_id: int
    prompt_excerpt: str
    completions: list[KnownCompletion]
    tiers: list[list[int]]
    explanation: str
    judged: int
    mean_agreement: float | None


def known_from(new: NewKnownAnswer) -> Known:
    """The known answer in a request."""
    return Known(
        purpose=new.purpose,
        tiers=new.tiers,
        explanation=new.explanation,
        task_id=new.task_id,
        prompt_id=new.prompt_id,
        completion_ids=new.completion_ids,
    )


def known_answer_read(row: KnownRow) -> KnownAnswerRead:
    """The wire form of a known answer."""
    return KnownAnswerRead.model_validate(
        {
            "task_id": row.task.id,
            "purpose": row.task.purpose,
            "prompt_id": row.prompt.id,
            "prompt_excerpt": excerpt_of(row.prompt.messages),
            "completions": [{"id": completion_id, "text": text} for completion_id, text in row.texts.items()],
            "tiers": row.answer.tiers,
            "explanation": row.answer.explanation,
            "judged": row.judged,
            "mean_agreement": row.mean_agreement,
        }
    )
