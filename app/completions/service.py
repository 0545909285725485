"""Completions: written by runs and people, listed for those who may know who wrote them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.completions.tables import Completion
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledCompletion:
    """One answer of a model, with what it takes to write it again."""

    prompt_id: int
    model_version_id: int
    sample_index: int
    text: str
    seed: int | None = None
    finish_reason: str | None = None
    token_count: int | None = None
    sampling: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthoredCompletion:
    """A completion and who wrote it: a model version or a person."""

    completion: Completion
    model_version: ModelVersion | None
    user: User | None


def add_sampled(session: Session, *, run_id: int | None, completions: Sequence[SampledCompletion]) -> int:
    """Store what a run wrote; one that is there already (a resumed run relays again) is passed over. How many are new.

    NUL characters, which no text here may hold, are left out.
    """
    if not completions:
        return 0
    rows = [{**asdict(one), "text": one.text.replace("\0", ""), "run_id": run_id} for one in completions]
    added = session.scalars(insert(Completion).on_conflict_do_nothing().returning(Completion.id), rows)
    return len(list(added))


def list_completions(
    session: Session, *, project_id: int, page: PageRequest, prompt_id: int | None = None
) -> Rows[AuthoredCompletion]:
    """A project's completions, newest first, with their authors."""
    query = select(Completion).join(Prompt, Prompt.id == Completion.prompt_id).where(Prompt.project_id == project_id)
    if prompt_id is not None:
        query = query.where(Completion.prompt_id == prompt_id)
    rows = page_by_id(session, query, Completion.id, page)
    models = {one.model_version_id for one in rows.items}
    people = {one.user_id for one in rows.items}
    versions = {one.id: one for one in session.scalars(select(ModelVersion).where(ModelVersion.id.in_(models)))}
    users = {one.id: one for one in session.scalars(select(User).where(User.id.in_(people)))}
    items = [
        AuthoredCompletion(one, versions.get(one.model_version_id or 0), users.get(one.user_id or 0))
        for one in rows.items
    ]
    return Rows(items=items, next_cursor=rows.next_cursor)
