"""How much a run has to read: rows and their lengths in tokens, from as many of them as are looked at."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.prompts.tables import Prompt
from app.rankings.tables import Ranking
from app.runs.kinds import ANSWERING
from app.runs.requirements import HELD_OUT
from app.runs.work import Data
from app.tasks.tables import Task, TaskCompletion

# Lengths are taken from so many of the newest rows, and more rows than this are not counted.
LOOKED_AT: Final = 1000
COUNTED: Final = 200_000
# English in the vocabularies of today; taken only where the writer has left nothing to measure it by.
BYTES_PER_TOKEN: Final = 4.0
# A text may have shorter tokens than texts have on the mean: the longest is taken for so many times as long.
LONGER: Final = 1.5


def data_of(session: Session, kind: str, project_id: int, inputs: dict[str, Any]) -> Data:
    """What a run of the kind with these inputs reads."""
    per_token = _bytes_per_token(session, list(inputs.get("models", {}).values()))
    if kind in ANSWERING | {"sample", "evaluate"}:
        return _prompts(session, kind, project_id, inputs.get("prompt_set_id"), per_token)
    if kind == "sft":
        return _demonstrations(session, project_id, per_token)
    return _ranked(session, project_id, per_token) if kind in {"reward", "dpo"} else Data()


def _bytes_per_token(session: Session, version_ids: Sequence[int]) -> float:
    """How many bytes of text a token of these models stands for, by what they have written."""
    written = (
        select(func.octet_length(Completion.text).label("bytes"), Completion.token_count.label("tokens"))
        .where(Completion.model_version_id.in_(version_ids), Completion.token_count > 0)
        .limit(LOOKED_AT)
        .subquery()
    )
    size, count = session.execute(select(func.sum(written.c.bytes), func.sum(written.c.tokens))).one()
    return max(1.0, float(size / count)) if size and count else BYTES_PER_TOKEN


def _prompts(session: Session, kind: str, project_id: int, prompt_set_id: int | None, per_token: float) -> Data:
    query = select(_size_of_prompt().label("prompt")).where(Prompt.project_id == project_id, Prompt.state == "active")
    if prompt_set_id is not None:
        query = query.where(Prompt.prompt_set_id == prompt_set_id)
    if kind in ANSWERING:
        query = query.where(Prompt.split == "train")
    if kind == "evaluate":
        query = query.where(Prompt.split.in_(HELD_OUT))
    sizes = query.order_by(Prompt.id.desc()).limit(LOOKED_AT).subquery()
    mean, longest = session.execute(select(func.avg(sizes.c.prompt), func.max(sizes.c.prompt))).one()
    return Data(
        rows=_count(session, query),
        prompt=float(mean or 0) / per_token,
        longest_prompt=_longest(longest, per_token),
    )


def _demonstrations(session: Session, project_id: int, per_token: float) -> Data:
    query = (
        select(_size_of_prompt().label("prompt"), func.octet_length(Completion.text).label("reply"))
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Prompt.project_id == project_id, Prompt.state == "active", Completion.role == "demonstration")
        .where(Prompt.split == "train")
    )
    sizes = query.order_by(Completion.id.desc()).limit(LOOKED_AT).subquery()
    found = session.execute(
        select(func.avg(sizes.c.prompt), func.max(sizes.c.prompt), func.avg(sizes.c.reply), func.max(sizes.c.reply))
    ).one()
    return Data(
        rows=_count(session, query),
        prompt=float(found[0] or 0) / per_token,
        longest_prompt=_longest(found[1], per_token),
        reply=float(found[2] or 0) / per_token,
        longest_reply=_longest(found[3], per_token),
    )


def _ranked(session: Session, project_id: int, per_token: float) -> Data:
    """Tasks that have a judgment, with all their completions."""
    judged = (
        select(Ranking.task_id)
        .distinct()
        .join(Task, Task.id == Ranking.task_id)
        .join(Prompt, Prompt.id == Task.prompt_id)
        .where(Ranking.project_id == project_id, Ranking.superseded_by_id.is_(None), Ranking.withdrawn_at.is_(None))
        .where(Prompt.split == "train")
    )
    newest = judged.order_by(Ranking.task_id.desc()).limit(LOOKED_AT).subquery()
    size = func.octet_length(Completion.text)
    tasks = (
        select(
            func.max(_size_of_prompt()).label("prompt"),
            func.avg(size).label("reply"),
            func.max(size).label("longest"),
            func.count().label("replies"),
        )
        .select_from(newest)
        .join(TaskCompletion, TaskCompletion.task_id == newest.c.task_id)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .group_by(newest.c.task_id)
        .subquery()
    )
    found = session.execute(
        select(
            func.avg(tasks.c.prompt),
            func.max(tasks.c.prompt),
            func.avg(tasks.c.reply),
            func.max(tasks.c.longest),
            func.avg(tasks.c.replies),
            func.max(tasks.c.replies),
        )
    ).one()
    return Data(
        rows=_count(session, judged),
        prompt=float(found[0] or 0) / per_token,
        longest_prompt=_longest(found[1], per_token),
        reply=float(found[2] or 0) / per_token,
        longest_reply=_longest(found[3], per_token),
        replies=float(found[4] or 1),
        most_replies=int(found[5] or 1),
    )


def _size_of_prompt() -> ColumnElement[int]:
    """Bytes of a prompt's messages; what JSON writes around them stands for what a chat template does."""
    return func.octet_length(cast(Prompt.messages, Text))


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(COUNTED).subquery())) or 0


def _longest(size: int | None, per_token: float) -> int:
    return int(LONGER * (size or 0) / per_token)
