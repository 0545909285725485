"""Freezing demonstrations: what is in, what stays out, and the rows that a fine-tuning run reads."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.datasets.demonstrations import freeze_demonstrations, write_demonstration_rows
from app.datasets.snapshot import SplitLeak
from app.datasets.tables import SnapshotCompletion
from app.errors import Unprocessable
from tests.app.judgment_rows import World, a_world


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def freeze(world: World):
    return freeze_demonstrations(world.session, project_id=world.project.id, created_by=None)


def test_a_snapshot_holds_what_people_wrote_for_train_and_validation_prompts(world: World, tmp_path: Path) -> None:
    ada, ben = world.person(), world.person(name="Ben")
    for split in ("train", "validation", "test"):
        prompt = world.prompt(split)
        world.completions(prompt, 2)
        world.completions(prompt, 1, author=ada)
    retired = world.prompt("train")
    world.completions(retired, 1, author=ada)
    retired.state = "retired"
    twice = world.prompt("train")
    world.completions(twice, 1, author=ada)
    world.completions(twice, 1, author=ben)

    snapshot = freeze(world)

    assert snapshot.kind == "demonstrations"
    assert snapshot.counts == {
        "demonstrations": 4,
        "prompts": 3,
        "authors": 2,
        "by_split": {"train": 3, "validation": 1},
    }
    held = select(Completion).join(SnapshotCompletion, SnapshotCompletion.completion_id == Completion.id)
    written = list(world.session.scalars(held.order_by(Completion.id)))
    assert {one.role for one in written} == {"demonstration"}

    path = tmp_path / "data.jsonl"
    assert write_demonstration_rows(world.session, snapshot_id=snapshot.id, path=path) == 4
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["completion"] for row in rows] == [one.text for one in written]
    assert rows[1]["split"] == "validation"
    assert set(rows[0]) == {"prompt_id", "group", "split", "messages", "completion"}


def test_the_content_hash_is_stable_and_changes_with_another_demonstration(world: World) -> None:
    author = world.person()
    world.completions(world.prompt(), 1, author=author)
    first, second = freeze(world), freeze(world)
    assert first.content_hash == second.content_hash
    world.completions(world.prompt(), 1, author=author)
    assert freeze(world).content_hash != first.content_hash


def test_nothing_to_learn_from_is_said_in_words(world: World) -> None:
    world.completions(world.prompt(), 4)
    with pytest.raises(Unprocessable, match="nobody has written one yet") as refused:
        freeze(world)
    assert refused.value.type == "no-demonstrations"
    world.completions(world.prompt("validation"), 1, author=world.person())
    with pytest.raises(Unprocessable, match="all 1 so far are on validation prompts"):
        freeze(world)


def test_near_duplicates_in_two_splits_are_refused(world: World) -> None:
    author = world.person()
    world.completions(world.prompt("train", group="twins"), 1, author=author)
    world.prompt("test", group="twins")
    with pytest.raises(SplitLeak):
        freeze(world)
