"""The judgments that a new reward model and the live one are compared on."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.rankings.tables import Ranking
from tests.app.judgment_rows import World, a_world, submit, take

PROMOTED = datetime(2026, 1, 2, tzinfo=UTC)


def judged(world: World, split: str, *, hours: float, people: int = 1) -> int:
    """A task that people judged so many hours after the promotion, the second of them an hour before the first."""
    task = world.task(split=split, overlap=people)
    for number in range(people):
        annotator = world.person()
        assignment = take(world, annotator)
        submit(world.session, assignment, annotator)
        at = PROMOTED + timedelta(hours=hours - number)
        mine = (Ranking.task_id == task.id, Ranking.annotator_id == annotator.id)
        world.session.execute(update(Ranking).where(*mine).values(created_at=at))
    return task.prompt_id


def test_only_validation_judgments_since_the_promotion_are_compared_on(session: Session, tmp_path: Path) -> None:
    world = a_world(session)
    judged(world, "train", hours=2)
    judged(world, "validation", hours=-2)
    partly = judged(world, "validation", hours=0.5, people=2)
    whole = judged(world, "validation", hours=2, people=2)
    snapshot = datasets.freeze_judgments(session, project_id=world.project.id, created_by=None)
    later = judged(world, "validation", hours=3)
    path = tmp_path / "gate.jsonl"

    assert datasets.write_held_out_rows(session, snapshot_id=snapshot.id, since=PROMOTED, path=path) == 2
    rows = {row["prompt_id"]: row for row in map(json.loads, path.read_text().splitlines())}
    assert {name: len(row["annotations"]) for name, row in rows.items()} == {partly: 1, whole: 2}
    assert later not in rows
    assert all(row["split"] == "validation" and len(row["completions"]) == 4 for row in rows.values())

    assert datasets.write_held_out_rows(session, snapshot_id=snapshot.id, since=None, path=path) == 3
