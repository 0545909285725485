"""Completions: written by runs and people, listed for those who may know who wrote them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.completions.self_naming import mask, names_model
from app.completions.tables import Completion
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion

# The column takes no number but the next of its sequence.
RENUMBER: Final = text(
    """
    UPDATE completions SET id = DEFAULT
    WHERE id = :completion AND NOT EXISTS (SELECT 1 FROM task_completions t WHERE t.completion_id = :completion)
    RETURNING id
    """
)


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
    """A completion, its prompt, and who wrote it: a model version or a person."""

    completion: Completion
    prompt: Prompt
    model_version: ModelVersion | None
    user: User | None


def add_sampled(session: Session, *, run_id: int | None, completions: Sequence[SampledCompletion]) -> int:
    """Store what a run wrote; one that is there already (a resumed run relays again) is passed over. How many are new.

    NUL characters, which no text here may hold, are left out.
    """
    if not completions:
        return 0
    here = select(Prompt.project_id).where(Prompt.id == completions[0].prompt_id)
    names = own_names(session, session.execute(here).scalar_one())
    rows = [_row(one, names) | {"run_id": run_id} for one in completions]
    added = session.scalars(insert(Completion).on_conflict_do_nothing().returning(Completion.id), rows)
    return len(list(added))


def _row(sampled: SampledCompletion, names: Sequence[str]) -> dict[str, Any]:
    said = sampled.text.replace("\0", "")
    return {**asdict(sampled), "text": said, "names_model": names_model(said, names)}


def is_to_be_ranked() -> ColumnElement[bool]:
    """Of a completion: that people are to rank it, for models to learn from what they say.

    What a best-of-n run chose from is learnt from as it is; what a blind comparison asks about is never learnt from.
    """
    return Completion.sampling["chosen"].is_(None) & Completion.sampling["blind"].is_(None)


def renumber(session: Session, completion_ids: Sequence[int], random: Random) -> list[int]:
    """Give completions the next numbers, in an order of chance, but for those that are in a task already; all numbers.

    A run writes one model after another, so numbers in the order of writing would tell anybody who sees two of them
    which were written by the same model, and annotators do see them.
    """
    drawn = random.sample(completion_ids, len(completion_ids))
    return [session.scalars(RENUMBER, {"completion": one}).one_or_none() or one for one in drawn]


def add_demonstration(session: Session, *, project_id: int, prompt_id: int, author: User, text: str) -> int:
    """Store a person's answer to a prompt; its id."""
    completion = Completion(
        prompt_id=prompt_id,
        user_id=author.id,
        role="demonstration",
        text=text,
        names_model=names_model(text, own_names(session, project_id)),
    )
    session.add(completion)
    session.flush()
    return completion.id


def add_uploaded(
    session: Session, *, project_id: int, author: User, prompt_set_id: int, answers: Sequence[tuple[int, str]]
) -> list[int]:
    """Store uploaded demonstrations, given as prompt and text; one whose text is on its prompt already is passed over.

    The prompts of those that are new, one entry each.
    """
    asked = {prompt_id for prompt_id, _ in answers}
    there = select(Completion.prompt_id, Completion.text).where(
        Completion.prompt_id.in_(asked), Completion.role == "demonstration"
    )
    known = set(session.execute(there).tuples())
    fresh = [answer for answer in dict.fromkeys(answers) if answer not in known]
    names = own_names(session, project_id)
    by = {"user_id": author.id, "role": "demonstration", "prompt_set_id": prompt_set_id}
    rows = [
        {"prompt_id": prompt_id, "text": text, "names_model": names_model(text, names), **by}
        for prompt_id, text in fresh
    ]
    if rows:
        session.execute(insert(Completion), rows)
    return [prompt_id for prompt_id, _ in fresh]


def own_names(session: Session, project_id: int) -> list[str]:
    """The names of a project's model versions."""
    return list(session.scalars(select(ModelVersion.name).where(ModelVersion.project_id == project_id)))


def masker(session: Session, project_id: int) -> Callable[[str], str]:
    """A function that takes the names of models out of a text of this project."""
    return partial(mask, own_names=own_names(session, project_id))


def as_it_is(text: str) -> str:
    """`text` itself: what a project shows that masks nothing."""
    return text


def list_completions(
    session: Session,
    *,
    project_id: int,
    page: PageRequest,
    prompt_id: int | None = None,
    names_its_model: bool | None = None,
) -> Rows[AuthoredCompletion]:
    """A project's completions, newest first, with their authors; all, or those that (do not) name their model."""
    query = select(Completion).join(Prompt, Prompt.id == Completion.prompt_id).where(Prompt.project_id == project_id)
    if prompt_id is not None:
        query = query.where(Completion.prompt_id == prompt_id)
    if names_its_model is not None:
        query = query.where(Completion.names_model.is_(names_its_model))
    rows = page_by_id(session, query, Completion.id, page)
    models = {one.model_version_id for one in rows.items}
    people = {one.user_id for one in rows.items}
    versions = {one.id: one for one in session.scalars(select(ModelVersion).where(ModelVersion.id.in_(models)))}
    users = {one.id: one for one in session.scalars(select(User).where(User.id.in_(people)))}
    asked = {one.prompt_id for one in rows.items}
    prompts = {one.id: one for one in session.scalars(select(Prompt).where(Prompt.id.in_(asked)))}
    items = [
        AuthoredCompletion(
            one, prompts[one.prompt_id], versions.get(one.model_version_id or 0), users.get(one.user_id or 0)
        )
        for one in rows.items
    ]
    return Rows(items=items, next_cursor=rows.next_cursor)
