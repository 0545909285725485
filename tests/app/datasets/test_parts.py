"""Who learns from which judgment, where some are held back for a judge of policies."""

from hashlib import sha256
from typing import Any

import pytest

from app.datasets.parts import Part, is_held_back, people_held_back
from app.prompts.splits import split_of

GROUPS = [sha256(f"group:{number}".encode()).hexdigest() for number in range(2_000)]


def record(group: str, annotator: int = 1) -> dict[str, Any]:
    return {"group": group, "annotator": annotator}


def test_two_of_five_groups_are_held_back_in_every_split() -> None:
    held = [group for group in GROUPS if is_held_back(group)]
    assert len(held) / len(GROUPS) == pytest.approx(0.4, abs=0.03)
    for split in ("train", "validation", "test"):
        inside = [group for group in GROUPS if split_of(bytes.fromhex(group)) == split]
        assert len(set(held) & set(inside)) / len(inside) == pytest.approx(0.4, abs=0.1)


def test_of_two_people_each_side_has_one_and_nobody_changes_sides_when_more_come() -> None:
    assert people_held_back([7]) == frozenset()
    assert people_held_back([7, 3]) == {3}
    assert people_held_back([7, 3, 9, 1, 4]) == {3, 1}
    for known in range(1, 12):
        assert people_held_back(range(known)) == people_held_back(range(12)) & set(range(known))


def test_no_prompt_and_no_person_is_on_both_sides() -> None:
    people = people_held_back(range(10))
    sides = [Part(name="reward", people=people), Part(name="judge", people=people)]
    groups, annotators = [], []
    for side in sides:
        mine = [(group, person) for group in GROUPS[:300] for person in range(10) if side.holds(record(group, person))]
        groups.append({group for group, _ in mine})
        annotators.append({person for _, person in mine})
    assert groups[0]
    assert groups[1]
    assert not groups[0] & groups[1]
    assert annotators == [{0, 2, 4, 5, 7, 9}, {1, 3, 6, 8}]


def test_where_people_are_not_kept_apart_prompts_are() -> None:
    reward, judge = Part(name="reward"), Part(name="judge")
    assert all(reward.holds(record(group)) is not judge.holds(record(group)) for group in GROUPS)


def test_a_judge_learns_from_nothing_that_is_behind_what_it_judges() -> None:
    first, second = [group for group in GROUPS if is_held_back(group)][:2]
    judge = Part(name="judge", people=frozenset({1, 2}), groups_behind=frozenset({first}), people_behind=frozenset({2}))
    assert not judge.holds(record(first, 1))
    assert not judge.holds(record(second, 2))
    assert judge.holds(record(second, 1))
