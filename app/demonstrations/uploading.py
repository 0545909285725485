"""Demonstrations written elsewhere: read an upload while it streams and store what it holds, each text once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.completions import service as completions
from app.demonstrations.parsing import WrittenLine, parse
from app.errors import Unprocessable
from app.prompts import service as prompts
from app.prompts.messages import content_hash
from app.prompts.parsing import BadLine, UnreadableFileError
from app.prompts.service import NewPromptSet
from app.prompts.tables import Prompt, PromptSet
from app.prompts.upload import Counted, Upload

BATCH: Final = 500
MOST_DEMONSTRATIONS: Final = 200_000
FIRST_ERRORS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An upload: into which project, by whom, and what is known of it besides its lines."""

    project_id: int
    actor: User
    upload: Upload
    new: NewPromptSet


@dataclass(slots=True)
class Found:
    """What an upload held; `by_split` counts the demonstrations that were not there before."""

    lines: int = 0
    demonstrations: int = 0
    duplicates: int = 0
    bad: int = 0
    new_prompts: int = 0
    by_split: Counter[str] = field(default_factory=Counter)
    errors: list[BadLine] = field(default_factory=list)
    prompt_set_id: int | None = None


def preview_demonstrations(session: Session, sent: Sent) -> Found:
    """What storing them would report; nothing is kept."""
    with session.begin_nested() as savepoint:
        found = store_demonstrations(session, sent)
        savepoint.rollback()
    found.prompt_set_id = None
    return found


def store_demonstrations(session: Session, sent: Sent) -> Found:
    """Store every good line as a completion by whoever uploads it, on the project's own prompt where it has that one.

    New prompts are active at once, in the split of their group. The upload stands as a prompt set with its report; a
    text that is on its prompt already is passed over, so that the same file again adds nothing.

    Raises:
        Unprocessable: the file as a whole cannot be used.
    """
    prompts.allow_time(session)
    prompts.hold_prompts(session, sent.project_id)
    prompt_set = prompts.new_set(session, sent.project_id, sent.actor, sent.new)
    counted, found = Counted(), Found(prompt_set_id=prompt_set.id)
    try:
        lines = sent.upload.lines(counted, parse)
        while batch := list(islice(lines, BATCH)):
            _store(session, sent, prompt_set, batch, found)
    except UnreadableFileError as error:
        raise Unprocessable(str(error), type="unreadable-file", field="file") from error
    _close(session, prompt_set, found, counted)
    _record(session, sent.actor, prompt_set, found)
    return found


def _store(
    session: Session, sent: Sent, prompt_set: PromptSet, batch: Sequence[WrittenLine | BadLine], found: Found
) -> None:
    good = [line for line in batch if isinstance(line, WrittenLine)]
    bad = [line for line in batch if isinstance(line, BadLine)]
    found.lines += len(batch)
    prompts.keep_errors(session, prompt_set, bad, already=found.bad)
    found.bad += len(bad)
    found.errors += bad[: FIRST_ERRORS - len(found.errors)]
    by_content = prompts.ensure_prompts(session, prompt_set, [line.prompt for line in good])
    asked = [by_content[content_hash(line.prompt.messages)] for line in good]
    answers = [(prompt.id, line.completion) for prompt, line in zip(asked, good, strict=True)]
    added = completions.add_uploaded(
        session, project_id=sent.project_id, author=sent.actor, prompt_set_id=prompt_set.id, answers=answers
    )
    split_of = {prompt.id: prompt.split for prompt in asked}
    found.by_split.update(split_of[prompt_id] for prompt_id in added)
    found.demonstrations += len(added)
    found.duplicates += len(answers) - len(added)
    if found.demonstrations > MOST_DEMONSTRATIONS:
        raise Unprocessable(
            f"an upload holds {MOST_DEMONSTRATIONS:,} demonstrations at most", field="file", advice="Split it."
        )


def _close(session: Session, prompt_set: PromptSet, found: Found, counted: Counted) -> None:
    own = select(func.count()).where(Prompt.prompt_set_id == prompt_set.id)
    found.new_prompts = session.scalar(own) or 0
    prompt_set.lines, prompt_set.good, prompt_set.bad = found.lines, found.new_prompts, found.bad
    prompt_set.duplicates = found.lines - found.bad - found.new_prompts
    prompt_set.file_sha256, prompt_set.bytes = counted.digest.hexdigest(), counted.size
    prompt_set.state = "added" if found.demonstrations else "discarded"
    prompt_set.decided_at = func.now()
    session.flush()


def _record(session: Session, actor: User, prompt_set: PromptSet, found: Found) -> None:
    audit.record(
        session,
        actor=actor,
        action="demonstrations.uploaded",
        object_type="prompt_set",
        object_id=prompt_set.id,
        project_id=prompt_set.project_id,
        detail={
            "file": prompt_set.file_name,
            "demonstrations": found.demonstrations,
            "duplicates": found.duplicates,
            "bad": found.bad,
            "new_prompts": found.new_prompts,
        },
    )
