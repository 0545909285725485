"""Judgments on known answers are kept and change no number that anybody counts, exports, freezes or trains on."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.errors import Unprocessable
from app.loop import service as loop
from app.rankings.progress import count_comparisons
from app.rankings.tables import Comparison, Ranking
from app.runs.requirements import require_comparisons
from app.tasks.service import completion_ids_of, count_ready_tasks
from tests.app.judgment_rows import World, a_world, judge_known, known_answer, submit, take


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def numbers(world: World, folder: Path) -> dict[str, Any]:
    """Everything that is counted, frozen or handed to training, from the same judgments."""
    session, project_id = world.session, world.project.id
    state = loop.state_of(session, project_id)
    with session.begin_nested() as savepoint:
        snapshot = datasets.freeze_judgments(session, project_id=project_id, created_by=None)
        datasets.write_reward_rows(session, snapshot_id=snapshot.id, path=folder / "rows.jsonl")
        frozen = (snapshot.content_hash, dict(snapshot.counts), (folder / "rows.jsonl").read_text())
        savepoint.rollback()
    return {
        "summary": datasets.summarise(session, project_id),
        "frozen": frozen,
        "loop": (state.tasks, state.rankings, state.comparisons, state.next),
        "counts": count_comparisons(session, project_id),
        "ready": count_ready_tasks(session, project_id, enough=100),
        "comparisons": sorted(session.scalars(select(Comparison.id))),
    }


def test_gold_and_practice_change_no_number(world: World, tmp_path: Path) -> None:
    annotator, admin = world.person(), world.person("admin")
    world.task(), world.task()
    submit(world.session, take(world, annotator), annotator)
    before = numbers(world, tmp_path)
    assert json.loads(before["frozen"][2])["annotations"][0]["annotator"] == annotator.id
    for purpose in ("gold", "practice"):
        for _ in range(3):
            judge_known(world, known_answer(world, admin, purpose=purpose), annotator)
    assert len(world.session.scalars(select(Ranking)).all()) == 7
    assert numbers(world, tmp_path) == before


def test_a_revised_gold_judgment_has_no_comparisons_either(world: World) -> None:
    annotator, admin = world.person(), world.person("admin")
    known = known_answer(world, admin)
    assignment = judge_known(world, known, annotator)
    submit(world.session, assignment, annotator, [assignment.shown_order])
    assert world.session.scalars(select(Comparison.id)).all() == []


def test_known_answers_alone_are_nothing_to_train_on(world: World) -> None:
    annotator, admin = world.person(), world.person("admin")
    judge_known(world, known_answer(world, admin), annotator)
    with pytest.raises(Unprocessable, match="no comparisons"):
        require_comparisons(world.session, world.project.id)
    with pytest.raises(Unprocessable, match="no comparisons"):
        datasets.freeze_judgments(world.session, project_id=world.project.id, created_by=None)


def test_a_task_that_becomes_gold_leaves_the_queue(world: World) -> None:
    admin, task = world.person("admin"), world.task()
    ids = completion_ids_of(world.session, task.id)
    assert count_ready_tasks(world.session, world.project.id, enough=10) == 1
    known_answer(world, admin, task_id=task.id, tiers=[ids])
    assert count_ready_tasks(world.session, world.project.id, enough=10) == 0
    assert loop.state_of(world.session, world.project.id).tasks == {"open": 0, "done": 0}
