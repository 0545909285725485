"""Freeze the demonstrations people wrote into an immutable dataset, and write it for a fine-tuning run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.datasets import service as datasets
from app.datasets.snapshot import TRAINING_SPLITS, ContentHash, check_training_split
from app.datasets.tables import DatasetSnapshot, SnapshotCompletion
from app.errors import Unprocessable
from app.prompts.tables import Prompt

DEMONSTRATIONS = text(
    """
    SELECT json_build_object(
      'completion', c.id, 'author', c.user_id, 'text_sha256', encode(sha256(convert_to(c.text, 'UTF8')), 'hex'),
      'prompt', p.id, 'prompt_sha256', encode(p.content_hash, 'hex'), 'group', encode(p.group_hash, 'hex'),
      'split', p.split)
    FROM completions c JOIN prompts p ON p.id = c.prompt_id
    WHERE p.project_id = :project AND p.state = 'active' AND p.split = ANY(:splits) AND c.role = 'demonstration'
    ORDER BY c.id
    """
)


def freeze_demonstrations(
    session: Session, *, project_id: int, created_by: int | None, run_id: int | None = None
) -> DatasetSnapshot:
    """A snapshot of the demonstrations on active train and validation prompts; test prompts stay unseen.

    Raises:
        Unprocessable: `no-demonstrations`, when none is on a train prompt.
        SplitLeak: near-duplicates of a prompt in it are in another split.
    """
    datasets.take_your_time(session)
    content = ContentHash()
    by_split = dict.fromkeys(TRAINING_SPLITS, 0)
    completions, prompts, authors = [], set(), set()
    for record in session.scalars(DEMONSTRATIONS, {"project": project_id, "splits": list(TRAINING_SPLITS)}):
        check_training_split(record["split"], record["prompt"])
        content.add(record)
        by_split[record["split"]] += 1
        completions.append(record["completion"])
        prompts.add(record["prompt"])
        authors.add(record["author"])
    if not by_split["train"]:
        raise nothing_to_learn_from(held_out=by_split["validation"])
    datasets.check_groups_of(session, project_id, sorted(prompts))
    snapshot = DatasetSnapshot(
        project_id=project_id,
        kind="demonstrations",
        content_hash=content.hexdigest(),
        selection={"splits": list(TRAINING_SPLITS), "run_id": run_id},
        counts={
            "demonstrations": len(completions),
            "prompts": len(prompts),
            "authors": len(authors),
            "by_split": by_split,
        },
        created_by=created_by,
    )
    datasets.add(session, snapshot)
    session.execute(
        insert(SnapshotCompletion), [{"snapshot_id": snapshot.id, "completion_id": one} for one in completions]
    )
    return snapshot


def nothing_to_learn_from(*, held_out: int) -> Unprocessable:
    """The refusal of a run that has no demonstration to learn from."""
    because = f"all {held_out} so far are on validation prompts" if held_out else "nobody has written one yet"
    return Unprocessable(
        f"there are no demonstrations to learn from: {because}",
        type="no-demonstrations",
        advice="Open writing tasks and write a few answers first.",
    )


def write_demonstration_rows(session: Session, *, snapshot_id: int, path: Path) -> int:
    """Write a snapshot as JSON lines for a fine-tuning run, one line a demonstration; how many.

    Raises:
        SplitLeak: a prompt of the test split is in the snapshot.
    """
    return datasets.write_lines(path, _rows(session, snapshot_id))


def _rows(session: Session, snapshot_id: int) -> Iterator[dict[str, Any]]:
    datasets.take_your_time(session)
    rows = session.execute(
        select(Completion.text, Prompt)
        .join(SnapshotCompletion, SnapshotCompletion.completion_id == Completion.id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(SnapshotCompletion.snapshot_id == snapshot_id)
        .order_by(Completion.id)
    )
    for written, prompt in rows.yield_per(500):
        yield {
            "prompt_id": prompt.id,
            "group": prompt.group_hash.hex(),
            "split": prompt.split,
            "messages": prompt.messages,
            "completion": written,
        }
