"""Prompt sets: read an upload while it streams, stage its prompts, then add or discard them as one."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import CursorResult, delete, exists, func, insert, select, text, update
from sqlalchemy.orm import Session, aliased

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict, NotFound, Unprocessable
from app.prompts.messages import checked_messages, content_hash, first_user_turn
from app.prompts.parsing import BadLine, GoodLine, Parsed, UnreadableFileError
from app.prompts.splits import group_hash, split_of
from app.prompts.tables import Prompt, PromptSet, PromptSetError

BATCH = 1000
MOST_PROMPTS = 1_000_000
MOST_ERRORS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class NewPromptSet:
    """What is known of a prompt set besides its prompts."""

    name: str
    file_name: str
    source: str | None = None
    licence: str | None = None


@dataclass(slots=True)
class Tally:
    """What was found so far. `seen` holds half of each content's hash: enough to tell a million prompts apart."""

    lines: int = 0
    good: int = 0
    bad: int = 0
    duplicates: int = 0
    seen: set[bytes] = field(default_factory=set)


def stage_prompts(
    session: Session, *, project_id: int, actor: User | None, parsed: Iterable[Parsed], new: NewPromptSet
) -> PromptSet:
    """Read all of `parsed` into a staged prompt set; its prompts count for nothing until they are accepted.

    The file's hash and size are the caller's to fill in: they are known when the last line was read.
    Raises `Unprocessable` when the file as a whole cannot be used.
    """
    allow_time(session)
    prompt_set = new_set(session, project_id, actor, new)
    tally = Tally()
    lines = iter(parsed)
    try:
        while batch := list(islice(lines, BATCH)):
            _store(session, prompt_set, batch, tally)
    except UnreadableFileError as error:
        raise Unprocessable(str(error), type="unreadable-file", field="file") from error
    prompt_set.lines, prompt_set.good, prompt_set.bad = tally.lines, tally.good, tally.bad
    prompt_set.duplicates = tally.duplicates
    _record(session, actor, "prompt_set.uploaded", prompt_set)
    session.flush()
    return prompt_set


def add_prompts(
    session: Session,
    *,
    project_id: int,
    prompts: Iterable[object],
    new: NewPromptSet,
    actor: User | None = None,
) -> PromptSet:
    """A prompt set that is added at once: texts or conversations, numbered from 1; `NotAPromptError` on a bad one."""
    parsed = [GoodLine(line, checked_messages(prompt), None) for line, prompt in enumerate(prompts, start=1)]
    prompt_set = stage_prompts(session, project_id=project_id, actor=actor, parsed=parsed, new=new)
    content = json.dumps([line.messages for line in parsed], ensure_ascii=False).encode()
    prompt_set.file_sha256, prompt_set.bytes = hashlib.sha256(content).hexdigest(), len(content)
    return accept(session, actor=actor, prompt_set=prompt_set)


def accept(session: Session, *, actor: User | None, prompt_set: PromptSet) -> PromptSet:
    """Add the set's prompts to the project; those that came in by another set meanwhile count as duplicates."""
    hold_prompts(session, prompt_set.project_id)
    _require_staged(session, prompt_set)
    if not prompt_set.good:
        raise Unprocessable("this prompt set holds no new prompt", type="no-prompts", advice="Discard it.")
    allow_time(session)
    there = aliased(Prompt)
    known = exists().where(
        there.project_id == Prompt.project_id, there.content_hash == Prompt.content_hash, there.state == "active"
    )
    staged = (Prompt.prompt_set_id == prompt_set.id, Prompt.state == "staged")
    late = _execute(session, delete(Prompt).where(*staged, known))
    added = _execute(session, update(Prompt).where(*staged).values(state="active"))
    prompt_set.good, prompt_set.duplicates = added, prompt_set.duplicates + late
    return _decide(session, actor, prompt_set, "added")


def discard(session: Session, *, actor: User, prompt_set: PromptSet) -> PromptSet:
    """Throw the set's prompts away; its report stays."""
    _require_staged(session, prompt_set)
    allow_time(session)
    _execute(session, delete(Prompt).where(Prompt.prompt_set_id == prompt_set.id, Prompt.state == "staged"))
    return _decide(session, actor, prompt_set, "discarded")


def get_prompt_set(session: Session, project_id: int, prompt_set_id: int) -> PromptSet:
    """A prompt set of the project; `NotFound` when there is none."""
    query = select(PromptSet).where(PromptSet.id == prompt_set_id, PromptSet.project_id == project_id)
    prompt_set = session.scalar(query)
    if prompt_set is None:
        raise NotFound("there is no such prompt set in this project")
    return prompt_set


def list_errors(session: Session, prompt_set_ids: Sequence[int], *, most: int) -> dict[int, list[PromptSetError]]:
    """The first `most` errors of each set, by line."""
    place = func.row_number().over(partition_by=PromptSetError.prompt_set_id, order_by=PromptSetError.id)
    ranked = (
        select(PromptSetError.id, place.label("place"))
        .where(PromptSetError.prompt_set_id.in_(prompt_set_ids))
        .subquery()
    )
    query = (
        select(PromptSetError).join(ranked, ranked.c.id == PromptSetError.id).where(ranked.c.place <= most)
    ).order_by(PromptSetError.id)
    found: dict[int, list[PromptSetError]] = {prompt_set_id: [] for prompt_set_id in prompt_set_ids}
    for error in session.scalars(query):
        found[error.prompt_set_id].append(error)
    return found


def new_set(session: Session, project_id: int, actor: User | None, new: NewPromptSet) -> PromptSet:
    """An empty staged set."""
    prompt_set = PromptSet(
        project_id=project_id,
        name=new.name,
        source=new.source,
        licence=new.licence,
        file_name=new.file_name,
        file_sha256="",
        bytes=0,
        lines=0,
        good=0,
        bad=0,
        duplicates=0,
        created_by=actor.id if actor else None,
    )
    session.add(prompt_set)
    session.flush()
    return prompt_set


def ensure_prompts(session: Session, prompt_set: PromptSet, lines: Sequence[GoodLine]) -> dict[bytes, Prompt]:
    """The project's active prompts of these contents, by content hash; what is not there yet is added to the set.

    A prompt that is there keeps its group and its split. Call `hold_prompts` before.
    """
    rows = [_row(prompt_set, line) for line in lines]
    wanted = {row["content_hash"]: row for row in reversed(rows)}
    query = select(Prompt).where(
        Prompt.project_id == prompt_set.project_id, Prompt.state == "active", Prompt.content_hash.in_(wanted)
    )
    known = {bytes(one.content_hash): one for one in session.scalars(query)}
    fresh = [Prompt(**row, state="active") for content, row in wanted.items() if content not in known]
    session.add_all(fresh)
    session.flush()
    return known | {bytes(one.content_hash): one for one in fresh}


def keep_errors(session: Session, prompt_set: PromptSet, bad: Sequence[BadLine], *, already: int) -> None:
    """Store lines that could not be used, a thousand of a set at most; `already` were found before."""
    kept = [_error(prompt_set, line) for line in bad[: max(0, MOST_ERRORS_KEPT - already)]]
    if kept:
        session.execute(insert(PromptSetError), kept)


def hold_prompts(session: Session, project_id: int) -> None:
    """Let nobody else add prompts to the project until this transaction ends."""
    locks.hold(session, f"prompts of project {project_id}")


def allow_time(session: Session) -> None:
    """Let this transaction's statements take minutes: a set may hold a million prompts."""
    session.execute(text("SET LOCAL statement_timeout = '5min'"))


def _store(session: Session, prompt_set: PromptSet, batch: list[Parsed], tally: Tally) -> None:
    good = [line for line in batch if isinstance(line, GoodLine)]
    bad = [line for line in batch if isinstance(line, BadLine)]
    tally.lines += len(batch)
    rows = _without_duplicates(session, prompt_set, [_row(prompt_set, line) for line in good], tally)
    tally.duplicates += len(good) - len(rows)
    tally.good += len(rows)
    if tally.good > MOST_PROMPTS:
        raise Unprocessable(f"a prompt set holds {MOST_PROMPTS:,} prompts at most", field="file", advice="Split it.")
    keep_errors(session, prompt_set, bad, already=tally.bad)
    tally.bad += len(bad)
    if rows:
        _copy(session, rows)


def _without_duplicates(
    session: Session, prompt_set: PromptSet, rows: list[dict[str, Any]], tally: Tally
) -> list[dict[str, Any]]:
    active = select(Prompt.content_hash).where(
        Prompt.project_id == prompt_set.project_id,
        Prompt.state == "active",
        Prompt.content_hash.in_([row["content_hash"] for row in rows]),
    )
    known = {bytes(one) for one in session.scalars(active)}
    fresh = []
    for row in rows:
        half = row["content_hash"][:16]
        if row["content_hash"] not in known and half not in tally.seen:
            fresh.append(row)
        tally.seen.add(half)
    return fresh


def _row(prompt_set: PromptSet, good: GoodLine) -> dict[str, Any]:
    group = group_hash(good.group, first_user_turn(good.messages))
    return {
        "project_id": prompt_set.project_id,
        "prompt_set_id": prompt_set.id,
        "line": good.line,
        "messages": good.messages,
        "content_hash": content_hash(good.messages),
        "group_hash": group,
        "split": split_of(group),
    }


def _copy(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write prompts by COPY, in a fraction of the time that INSERT takes."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - the engine has no other driver
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY prompts ({}) FROM STDIN").format(columns)) as copy:
        for row in rows:
            copy.write_row([Jsonb(row["messages"]) if name == "messages" else value for name, value in row.items()])


def _error(prompt_set: PromptSet, bad: BadLine) -> dict[str, Any]:
    return {"prompt_set_id": prompt_set.id, "line": bad.line, "reason": bad.reason, "excerpt": bad.excerpt}


def _require_staged(session: Session, prompt_set: PromptSet) -> None:
    session.refresh(prompt_set, with_for_update=True)
    if prompt_set.state != "staged":
        raise Conflict(f"this prompt set is {prompt_set.state} already", type="already-decided")


def _decide(session: Session, actor: User | None, prompt_set: PromptSet, state: str) -> PromptSet:
    prompt_set.state = state
    prompt_set.decided_at = func.now()
    _record(session, actor, f"prompt_set.{state}", prompt_set)
    session.flush()
    return prompt_set


def _execute(session: Session, statement: Any) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - changes always give one
    return result.rowcount


def _record(session: Session, actor: User | None, action: str, prompt_set: PromptSet) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="prompt_set",
        object_id=prompt_set.id,
        project_id=prompt_set.project_id,
        detail={"file": prompt_set.file_name, "good": prompt_set.good, "bad": prompt_set.bad},
    )
