"""Freeze what is known now into an immutable dataset, write it for a training run, count it for a person."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.datasets.parts import Part
from app.datasets.snapshot import TRAINING_SPLITS, ContentHash, check_groups, check_training_split
from app.datasets.tables import DatasetSnapshot, SnapshotPrompt, SnapshotRanking
from app.errors import Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.webhooks import outbox

SPLITS = ("train", "validation", "test")


@dataclass(slots=True)
class Tally:
    """Counts over judgments; `by_split` counts comparisons."""

    rankings: int = 0
    comparisons: int = 0
    ties: int = 0
    annotators: set[int] = field(default_factory=set)
    prompts: set[int] = field(default_factory=set)
    by_split: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))

    def add(self, record: dict[str, Any]) -> None:
        """Count one judgment, given as its canonical record."""
        ranks = [item["rank"] for item in record["items"]]
        pairs = len(ranks) * (len(ranks) - 1) // 2
        self.rankings += 1
        self.comparisons += pairs
        self.ties += sum(ranks.count(rank) * (ranks.count(rank) - 1) // 2 for rank in set(ranks))
        self.annotators.add(record["annotator"])
        self.prompts.add(record["prompt"])
        self.by_split[record["split"]] += pairs

    def counts(self) -> dict[str, Any]:
        """The counts as they are stored and shown."""
        return {
            "rankings": self.rankings,
            "comparisons": self.comparisons,
            "ties": self.ties,
            "annotators": len(self.annotators),
            "prompts": len(self.prompts),
            "by_split": dict(self.by_split),
        }


# One statement sees one moment: every ranking committed before it, none after. `items` is ordered, so the record has
# one form; texts and conversations enter by their hash.
JUDGMENTS = text(
    """
    SELECT json_build_object(
      'ranking', r.id, 'revision', r.revision, 'extra', r.extra, 'task', r.task_id, 'annotator', r.annotator_id,
      'prompt', p.id, 'prompt_sha256', encode(p.content_hash, 'hex'), 'group', encode(p.group_hash, 'hex'),
      'split', p.split, 'strength', r.strength, 'none_acceptable', r.none_acceptable, 'prompt_flags', r.prompt_flags,
      'items', (SELECT json_agg(json_build_object(
                         'completion', i.completion_id, 'rank', i.rank, 'rating', i.rating, 'flags', i.flags,
                         'aspects', i.aspects, 'text_sha256', encode(sha256(convert_to(c.text, 'UTF8')), 'hex'))
                       ORDER BY i.completion_id)
                FROM ranking_items i JOIN completions c ON c.id = i.completion_id WHERE i.ranking_id = r.id))
    FROM rankings r JOIN tasks t ON t.id = r.task_id JOIN prompts p ON p.id = t.prompt_id
    WHERE r.project_id = :project AND r.superseded_by_id IS NULL AND r.withdrawn_at IS NULL AND p.split = ANY(:splits)
      AND t.purpose = 'collect'
    ORDER BY r.id
    """
)


def judgments(session: Session, project_id: int, splits: Sequence[str] = SPLITS) -> Iterator[dict[str, Any]]:
    """The project's current judgments as canonical records, by ranking id, as of one moment."""
    take_your_time(session)
    rows = session.execute(JUDGMENTS, {"project": project_id, "splits": list(splits)})
    yield from rows.scalars().yield_per(1000)


def freeze_judgments(
    session: Session,
    *,
    project_id: int,
    created_by: int | None,
    run_id: int | None = None,
    part: Part | None = None,
) -> DatasetSnapshot:
    """A snapshot of the current judgments on train and validation prompts, for training; test prompts stay unseen.

    With a `part` only of those on its side: another model is to judge what is made of them.

    Raises:
        Unprocessable: `no-comparisons`, when no judgment is on a train prompt.
        SplitLeak: near-duplicates of a prompt in it are in another split.
    """
    tally, content = Tally(), ContentHash()
    ranking_ids: list[int] = []
    for record in judgments(session, project_id, TRAINING_SPLITS):
        if part is not None and not part.holds(record):
            continue
        check_training_split(record["split"], record["prompt"])
        content.add(record)
        tally.add(record)
        ranking_ids.append(record["ranking"])
    if not tally.by_split["train"]:
        raise _nothing_to_train_on(tally, part)
    check_groups_of(session, project_id, sorted(tally.prompts))
    snapshot = DatasetSnapshot(
        project_id=project_id,
        kind="judgments",
        content_hash=content.hexdigest(),
        selection={"splits": list(TRAINING_SPLITS), "run_id": run_id} | ({"part": part.name} if part else {}),
        counts=tally.counts(),
        created_by=created_by,
    )
    add(session, snapshot)
    held = [{"snapshot_id": snapshot.id, "ranking_id": ranking_id} for ranking_id in ranking_ids]
    session.execute(insert(SnapshotRanking), held)
    return snapshot


def _nothing_to_train_on(tally: Tally, part: Part | None) -> Unprocessable:
    held_out = tally.by_split["validation"]
    because = f"all {held_out} so far are on validation prompts" if held_out else "nothing is ranked yet"
    if part is not None:
        because = part.empty
    return Unprocessable(
        f"there are no comparisons to train on: {because}", type="no-comparisons", advice="Rank a few tasks first."
    )


def freeze_prompts(
    session: Session,
    *,
    project_id: int,
    created_by: int | None,
    run_id: int | None = None,
    prompt_set_id: int | None = None,
    limit: int | None = None,
) -> DatasetSnapshot:
    """A snapshot of the active train prompts (of one prompt set, if named), the newest `limit` of them.

    Raises:
        Unprocessable: `no-prompts`, when there is none.
        SplitLeak: near-duplicates of a prompt in it are in another split.
    """
    query = select(Prompt).where(Prompt.project_id == project_id, Prompt.state == "active", Prompt.split == "train")
    if prompt_set_id is not None:
        query = query.where(Prompt.prompt_set_id == prompt_set_id)
    prompts = sorted(session.scalars(query.order_by(Prompt.id.desc()).limit(limit)), key=lambda prompt: prompt.id)
    if not prompts:
        raise Unprocessable(
            "there are no train prompts to work on", type="no-prompts", advice="Upload a prompt set first."
        )
    check_groups_of(session, project_id, [prompt.id for prompt in prompts])
    snapshot = DatasetSnapshot(
        project_id=project_id,
        kind="prompts",
        content_hash=_prompts_hash(prompts),
        selection={"splits": ["train"], "prompt_set_id": prompt_set_id, "limit": limit, "run_id": run_id},
        counts={"prompts": len(prompts), "by_split": {"train": len(prompts)}},
        created_by=created_by,
    )
    add(session, snapshot)
    held = [{"snapshot_id": snapshot.id, "prompt_id": prompt.id} for prompt in prompts]
    session.execute(insert(SnapshotPrompt), held)
    return snapshot


def _prompts_hash(prompts: Sequence[Prompt]) -> str:
    content = ContentHash()
    for prompt in prompts:
        content.add(
            {
                "prompt": prompt.id,
                "prompt_sha256": prompt.content_hash.hex(),
                "group": prompt.group_hash.hex(),
                "split": prompt.split,
            }
        )
    return content.hexdigest()


def check_groups_of(session: Session, project_id: int, prompt_ids: Sequence[int]) -> None:
    """Look for near-duplicates of these prompts in another split, wherever in the project they are."""
    groups = select(Prompt.group_hash).where(Prompt.id.in_(prompt_ids))
    found = session.execute(
        select(Prompt.split, Prompt.group_hash)
        .where(Prompt.project_id == project_id, Prompt.state == "active", Prompt.group_hash.in_(groups))
        .distinct()
    )
    check_groups((split, group.hex()) for split, group in found)


def add(session: Session, snapshot: DatasetSnapshot) -> None:
    """Store a new snapshot and say so in the audit trail."""
    session.add(snapshot)
    session.flush()
    outbox.put(session, snapshot.project_id, outbox.SNAPSHOT_MADE, dataset_snapshot_id=snapshot.id)
    audit.record(
        session,
        actor=session.get(User, snapshot.created_by) if snapshot.created_by else None,
        action="dataset.frozen",
        object_type="dataset_snapshot",
        object_id=snapshot.id,
        project_id=snapshot.project_id,
        detail={"kind": snapshot.kind, "content_hash": snapshot.content_hash},
    )


def take_your_time(session: Session) -> None:
    """Let the rest of this transaction's statements run for up to ten minutes, and as long between two of them.

    A large project takes a while, and so does a large file that is read meanwhile.
    """
    session.execute(text("SET LOCAL statement_timeout = '600s'"))
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '600s'"))


# One row a task; ranks are in the order of the completions. Two model versions of one name are told apart by their ids.
# What the snapshot holds is read once and grouped: PostgreSQL has not counted yet what was frozen a moment ago,
# takes it to be all but empty, and would go through all of it for each task.
REWARD_ROWS = text(
    """
    WITH held AS MATERIALIZED (
      SELECT r.id, r.task_id, r.annotator_id, r.strength
      FROM snapshot_rankings s JOIN rankings r ON r.id = s.ranking_id
      WHERE s.snapshot_id = :snapshot AND r.created_at > CAST(:since AS timestamptz)),
    said AS MATERIALIZED (
      SELECT h.task_id, json_agg(json_build_object('annotator', h.annotator_id, 'strength', h.strength, 'ranks',
               (SELECT json_agg(i.rank ORDER BY tc.position)
                FROM task_completions tc
                JOIN ranking_items i ON i.ranking_id = h.id AND i.completion_id = tc.completion_id
                WHERE tc.task_id = h.task_id)) ORDER BY h.id) AS annotations
      FROM held h GROUP BY h.task_id)
    SELECT p.id AS prompt_id, encode(p.group_hash, 'hex') AS "group", p.split, p.messages, ps.name AS source,
      (SELECT json_agg(json_build_object('id', c.id, 'text', c.text, 'model', CASE
                WHEN m.id IS NULL THEN 'person'
                WHEN EXISTS (SELECT FROM model_versions o
                             WHERE o.project_id = m.project_id AND o.name = m.name AND o.id <> m.id)
                THEN m.name || ' #' || m.id ELSE m.name END) ORDER BY tc.position)
       FROM task_completions tc JOIN completions c ON c.id = tc.completion_id
       LEFT JOIN model_versions m ON m.id = c.model_version_id WHERE tc.task_id = t.id) AS completions,
      said.annotations
    FROM said JOIN tasks t ON t.id = said.task_id JOIN prompts p ON p.id = t.prompt_id
    JOIN prompt_sets ps ON ps.id = p.prompt_set_id
    WHERE p.split = ANY(:splits)
    ORDER BY t.id
    """
)


def write_reward_rows(session: Session, *, snapshot_id: int, path: Path) -> int:
    """Write a judgment snapshot as JSON lines for a reward run, one line a task; how many.

    Raises:
        SplitLeak: a prompt of the test split is in the snapshot.
    """
    return _write_judged(session, path, {"snapshot": snapshot_id, "since": "-infinity", "splits": list(SPLITS)})


def write_held_out_rows(session: Session, *, snapshot_id: int, since: datetime | None, path: Path) -> int:
    """Write a snapshot's judgments on validation prompts that were made after a moment, in the same form; how many."""
    begin = "-infinity" if since is None else since.isoformat()
    return _write_judged(session, path, {"snapshot": snapshot_id, "since": begin, "splits": ["validation"]})


def _write_judged(session: Session, path: Path, chosen: dict[str, Any]) -> int:
    take_your_time(session)
    rows = session.execute(REWARD_ROWS, chosen).mappings()
    return write_lines(path, (dict(row) for row in rows.yield_per(500)))


def write_prompt_rows(session: Session, *, snapshot_id: int, path: Path) -> int:
    """Write a prompt snapshot as JSON lines for a policy run, one line a prompt; how many.

    Raises:
        SplitLeak: a prompt of the test split is in the snapshot.
    """
    prompts = session.execute(
        select(Prompt.id.label("prompt_id"), Prompt.messages, Prompt.split)
        .join(SnapshotPrompt, SnapshotPrompt.prompt_id == Prompt.id)
        .where(SnapshotPrompt.snapshot_id == snapshot_id)
        .order_by(Prompt.id)
    ).mappings()
    return write_lines(path, (dict(row) for row in prompts.yield_per(500)))


def write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows as JSON lines; how many. Raises `SplitLeak` at the first that is not for training."""
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            check_training_split(row["split"], row["prompt_id"])
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written


SUMMARY = text(
    """
    SELECT count(DISTINCT r.id) AS rankings, count(c.id) AS comparisons, count(*) FILTER (WHERE c.tie) AS ties,
           count(DISTINCT r.annotator_id) AS annotators, count(DISTINCT p.id) AS prompts,
           count(c.id) FILTER (WHERE p.split = 'train') AS train,
           count(c.id) FILTER (WHERE p.split = 'validation') AS validation,
           count(c.id) FILTER (WHERE p.split = 'test') AS test
    FROM rankings r JOIN tasks t ON t.id = r.task_id JOIN prompts p ON p.id = t.prompt_id
    LEFT JOIN comparisons c ON c.ranking_id = r.id
    WHERE r.project_id = :project AND r.superseded_by_id IS NULL AND r.withdrawn_at IS NULL AND t.purpose = 'collect'
    """
)


def summarise(session: Session, project_id: int) -> dict[str, Any]:
    """Counts over the project's current judgments in the shape of a snapshot's counts; `by_split` in comparisons."""
    row = dict(session.execute(SUMMARY, {"project": project_id}).mappings().one())
    by_split = {split: row.pop(split) for split in SPLITS}
    return {**row, "by_split": by_split}


def list_snapshots(session: Session, project_id: int, page: PageRequest) -> Rows[DatasetSnapshot]:
    """A project's snapshots, newest first."""
    query = select(DatasetSnapshot).where(DatasetSnapshot.project_id == project_id)
    return page_by_id(session, query, DatasetSnapshot.id, page)
