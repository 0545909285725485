"""Freezing: what is in a snapshot, that it stays the same, and that held-out data stays out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.datasets.service import (
    REWARD_ROWS,
    freeze_judgments,
    freeze_prompts,
    judgments,
    list_snapshots,
    summarise,
    write_prompt_rows,
    write_reward_rows,
)
from app.datasets.snapshot import SplitLeak, content_hash
from app.datasets.tables import SnapshotPrompt, SnapshotRanking
from app.errors import Unprocessable
from app.pagination import PageRequest
from app.rankings.judgment import Form
from app.rankings.tables import Ranking
from app.tasks.tables import Task
from tests.app.judgment_rows import World, a_world, submit, take
from workers.rlhf.ranking_file import read_rankings

TASKS = 20


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def freeze(world: World):
    return freeze_judgments(world.session, project_id=world.project.id, created_by=None)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A query plan's nodes, the outermost first."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)


def test_a_snapshot_holds_current_judgments_of_train_and_validation(world: World) -> None:
    annotator = world.person()
    for split in ("train", "validation", "test"):
        world.task(split=split)
    for _ in range(3):
        assignment = take(world, annotator)
        submit(world.session, assignment, annotator)
    revised = submit(world.session, assignment, annotator, [assignment.shown_order])
    assert revised.body["revision"] == 2
    snapshot = freeze(world)
    held = set(
        world.session.scalars(select(SnapshotRanking.ranking_id).where(SnapshotRanking.snapshot_id == snapshot.id))
    )
    assert len(held) == 2
    assert revised.body["ranking_id"] not in held  # it is on a test prompt
    assert snapshot.counts == {
        "rankings": 2,
        "comparisons": 12,
        "ties": 0,
        "annotators": 1,
        "prompts": 2,
        "by_split": {"train": 6, "validation": 6, "test": 0},
    }
    assert [one.id for one in list_snapshots(world.session, world.project.id, PageRequest()).items] == [snapshot.id]


def test_the_content_hash_is_stable_and_changes_with_a_revision(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    submit(world.session, assignment, annotator)
    first, second = freeze(world), freeze(world)
    assert first.content_hash == second.content_hash
    submit(world.session, assignment, annotator, [assignment.shown_order])
    third = freeze(world)
    assert third.content_hash != first.content_hash
    assert third.counts["ties"] == 6
    assert third.content_hash == content_hash(judgments(world.session, world.project.id))


def test_nothing_to_train_on_is_said_in_words(world: World) -> None:
    with pytest.raises(Unprocessable) as refusal:
        freeze(world)
    assert (refusal.value.type, refusal.value.detail) == (
        "no-comparisons",
        "there are no comparisons to train on: nothing is ranked yet",
    )
    annotator = world.person()
    world.task(split="validation")
    submit(world.session, take(world, annotator), annotator)
    with pytest.raises(Unprocessable, match="all 6 so far are on validation prompts"):
        freeze(world)


def test_reward_rows_are_one_a_task_with_everybody_s_ranks(world: World, tmp_path: Path) -> None:
    first, second = world.person(), world.person()
    task = world.task(overlap=2)
    mine = take(world, first)
    a, b, c, d = mine.shown_order
    submit(world.session, mine, first, [[d], [a, b], [c]])
    submit(world.session, take(world, second), second, [[a], [b], [c], [d]])
    snapshot = freeze(world)
    path = tmp_path / "data.jsonl"
    assert write_reward_rows(world.session, snapshot_id=snapshot.id, path=path) == 1
    (row,) = lines(path)
    assert [one["id"] for one in row["completions"]] == [a, b, c, d]
    assert all(one["text"].startswith("Answer") for one in row["completions"])
    assert row["annotations"] == [
        {"annotator": first.id, "strength": None, "ranks": [2, 2, 3, 1]},
        {"annotator": second.id, "strength": None, "ranks": [1, 2, 3, 4]},
    ]
    assert (row["prompt_id"], row["split"], row["messages"][-1]["role"]) == (task.prompt_id, "train", "user")
    assert set(row) == {"prompt_id", "group", "split", "messages", "source", "completions", "annotations"}


def test_a_snapshot_is_read_once_and_not_once_a_task(world: World) -> None:
    """PostgreSQL has counted the older snapshots and not the new one, as when a run has just frozen it."""
    annotator, session = world.person(), world.session
    for _ in range(TASKS):
        world.task()
        submit(session, take(world, annotator), annotator)
    freeze(world)
    session.execute(text("ANALYZE"))
    asked = {"snapshot": freeze(world).id, "since": "-infinity", "splits": ["train"]}
    plan = session.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {REWARD_ROWS.text}"), asked).scalar_one()
    nodes = list(nodes_of(plan[0]["Plan"]))
    assert nodes[0]["Actual Rows"] == TASKS
    read = [node for node in nodes if node.get("Relation Name") == "snapshot_rankings"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) == TASKS


def test_reward_rows_tell_how_strong_a_preference_was_and_who_wrote_each_completion(
    world: World, tmp_path: Path
) -> None:
    annotator, author = world.person(), world.person(name="Ben")
    twin = world.model_version("sft", 1)
    twin.name = world.model.name
    other = world.model_version("sft", 2)
    for left, right in ((world.model, other), (other, twin)):
        prompt = world.prompt()
        ids = [*world.completions(prompt, 1, model=left), *world.completions(prompt, 1, model=right)]
        world.task(prompt=prompt, completion_ids=ids)
    prompt = world.prompt()
    ids = [*world.completions(prompt, 1), *world.completions(prompt, 1, author=author)]
    world.task(prompt=prompt, completion_ids=ids)
    asked = Form(ask_strength="optional")
    said = dict(zip(world.session.scalars(select(Task.id).order_by(Task.id)), (1, 4, None), strict=True))
    for _ in said:
        assignment = take(world, annotator)
        submit(world.session, assignment, annotator, form=asked, strength=said[assignment.task_id])

    path = tmp_path / "data.jsonl"
    write_reward_rows(world.session, snapshot_id=freeze(world).id, path=path)

    rows = lines(path)
    assert [row["annotations"][0]["strength"] for row in rows] == [1, 4, None]
    base, twin_name = f"tiny #{world.model.id}", f"tiny #{twin.id}"
    assert [[one["model"] for one in row["completions"]] for row in rows] == [
        [base, "sft-2"], ["sft-2", twin_name], [base, "person"]
    ]  # fmt: skip
    file = read_rankings(path)
    assert (len(file.prompts), file.bad) == (3, [])
    assert [prompt.pairs[0].strength for prompt in file.prompts] == [1, 4, None]
    assert {prompt.source for prompt in file.prompts} == {"p"}


def test_a_test_judgment_smuggled_into_a_snapshot_is_not_written(world: World, tmp_path: Path) -> None:
    annotator = world.person()
    world.task()
    world.task(split="test")
    for _ in range(2):
        submit(world.session, take(world, annotator), annotator)
    snapshot = freeze(world)
    everything = world.session.scalars(select(Ranking.id)).all()
    held = set(world.session.scalars(select(SnapshotRanking.ranking_id)))
    for ranking_id in set(everything) - held:
        world.session.execute(insert(SnapshotRanking).values(snapshot_id=snapshot.id, ranking_id=ranking_id))
    with pytest.raises(SplitLeak):
        write_reward_rows(world.session, snapshot_id=snapshot.id, path=tmp_path / "data.jsonl")


def test_a_group_in_two_splits_is_refused(world: World) -> None:
    annotator = world.person()
    prompt = world.prompt("train", group="twins")
    world.prompt("test", group="twins")
    world.task(prompt=prompt, completion_ids=world.completions(prompt))
    submit(world.session, take(world, annotator), annotator)
    with pytest.raises(SplitLeak):
        freeze(world)
    with pytest.raises(SplitLeak):
        freeze_prompts(world.session, project_id=world.project.id, created_by=None)


def test_prompts_for_the_policy_are_train_prompts(world: World, tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as refusal:
        freeze_prompts(world.session, project_id=world.project.id, created_by=None)
    assert refusal.value.type == "no-prompts"
    train = [world.prompt("train").id for _ in range(3)]
    held_out = world.prompt("test")
    world.prompt("validation")
    snapshot = freeze_prompts(world.session, project_id=world.project.id, created_by=None, limit=2)
    path = tmp_path / "data.jsonl"
    assert write_prompt_rows(world.session, snapshot_id=snapshot.id, path=path) == 2
    assert [row["prompt_id"] for row in lines(path)] == train[1:]
    assert set(lines(path)[0]) == {"prompt_id", "messages", "split"}
    world.session.execute(insert(SnapshotPrompt).values(snapshot_id=snapshot.id, prompt_id=held_out.id))
    with pytest.raises(SplitLeak):
        write_prompt_rows(world.session, snapshot_id=snapshot.id, path=path)


def test_the_summary_counts_like_a_snapshot(world: World) -> None:
    annotator = world.person()
    assert summarise(world.session, world.project.id)["comparisons"] == 0
    world.task(), world.task(split="test")
    for _ in range(2):
        assignment = take(world, annotator)
        submit(world.session, assignment, annotator, [assignment.shown_order])
    assert summarise(world.session, world.project.id) == {
        "rankings": 2,
        "comparisons": 12,
        "ties": 12,
        "annotators": 1,
        "prompts": 2,
        "by_split": {"train": 6, "validation": 0, "test": 6},
    }
