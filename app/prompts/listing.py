"""Prompts and prompt sets, page by page."""

from dataclasses import dataclass

from sqlalchemy import column, func, select, table
from sqlalchemy.orm import Session

from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.service import list_errors
from app.prompts.splits import Split
from app.prompts.tables import Prompt, PromptSet, PromptSetError

FIRST_ERRORS = 20
# Later stages of the pipeline, known here by name alone: a prompt's page shows how far it has come.
COMPLETIONS = table("completions", column("prompt_id"))
TASKS = table("tasks", column("prompt_id"))


@dataclass(frozen=True, slots=True)
class ReportedSet:
    """A prompt set with its first errors."""

    row: PromptSet
    errors: list[PromptSetError]


@dataclass(frozen=True, slots=True)
class CountedPrompt:
    """A prompt with how many completions and tasks it has."""

    row: Prompt
    completions: int
    tasks: int


def reported(session: Session, prompt_set: PromptSet) -> ReportedSet:
    """One prompt set with its first errors."""
    return ReportedSet(prompt_set, list_errors(session, [prompt_set.id], most=FIRST_ERRORS)[prompt_set.id])


def list_prompt_sets(session: Session, project_id: int, page: PageRequest) -> Rows[ReportedSet]:
    """A project's prompt sets, newest first."""
    rows = page_by_id(session, select(PromptSet).where(PromptSet.project_id == project_id), PromptSet.id, page)
    errors = list_errors(session, [row.id for row in rows.items], most=FIRST_ERRORS)
    return Rows(items=[ReportedSet(row, errors[row.id]) for row in rows.items], next_cursor=rows.next_cursor)


def list_set_errors(session: Session, prompt_set: PromptSet, page: PageRequest) -> Rows[PromptSetError]:
    """A set's errors, in the order of its lines."""
    query = select(PromptSetError).where(PromptSetError.prompt_set_id == prompt_set.id)
    return page_by_id(session, query, PromptSetError.id, page, newest_first=False)


def list_prompts(
    session: Session, project_id: int, page: PageRequest, *, prompt_set_id: int | None, split: Split | None
) -> Rows[CountedPrompt]:
    """The project's active prompts, newest first; of one set if asked, then the staged ones too."""
    query = select(Prompt).where(Prompt.project_id == project_id)
    if prompt_set_id is None:
        query = query.where(Prompt.state == "active")
    else:
        query = query.where(Prompt.prompt_set_id == prompt_set_id, Prompt.state.in_(("active", "staged")))
    if split is not None:
        query = query.where(Prompt.split == split)
    rows = page_by_id(session, query, Prompt.id, page)
    ids = [row.id for row in rows.items]
    completions, tasks = _count(session, "completions", ids), _count(session, "tasks", ids)
    items = [CountedPrompt(row, completions.get(row.id, 0), tasks.get(row.id, 0)) for row in rows.items]
    return Rows(items=items, next_cursor=rows.next_cursor)


def _count(session: Session, name: str, prompt_ids: list[int]) -> dict[int, int]:
    counted = {"completions": COMPLETIONS, "tasks": TASKS}[name]
    query = select(counted.c.prompt_id, func.count()).where(counted.c.prompt_id.in_(prompt_ids))
    return dict(session.execute(query.group_by(counted.c.prompt_id)).tuples().all())
