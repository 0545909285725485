"""A blind comparison asks with as many cards as the project's other tasks have, and counts one vote a judgment."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations, product
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.loop import blind
from app.loop.tables import BlindComparison
from app.registry.tables import ModelVersion
from app.tasks.blind import is_told_alike
from app.tasks.tables import Task, TaskCompletion
from tests.app.judgment_rows import World, submit, take
from tests.app.loop.blind_stage import a_policy, a_stage, asked, claimed, told, votes, written

MakeStage = Callable[[int, int], World]


@pytest.fixture
def make_stage(session: Session, tmp_path: Path) -> MakeStage:
    """`make_stage(cards, prompts)`: a project whose tasks have so many cards, with so many held-out prompts."""
    return lambda cards, prompts: a_stage(session, tmp_path / "base", prompts=prompts, completions_per_task=cards)


def sides(world: World, comparison: BlindComparison) -> list[tuple[int, int]]:
    """Of each of its tasks: how many cards are the candidate's and how many the rival's."""
    shown = world.session.execute(
        select(Task.id, Completion.model_version_id)
        .join(TaskCompletion, TaskCompletion.task_id == Task.id)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .where(Task.run_id == comparison.run_id)
    )
    counted = Counter(shown.tuples().all())
    tasks = sorted({task_id for task_id, _ in counted})
    return [(counted[one, comparison.candidate_id], counted[one, comparison.rival_id]) for one in tasks]


def judged(world: World, texts: Sequence[Sequence[str]]) -> None:
    """Somebody new takes the next task and orders it so: groups of texts, the best first."""
    person = world.person()
    assignment = take(world, person)
    written_by = select(Completion.text, Completion.id).where(Completion.id.in_(assignment.shown_order))
    ids = dict(world.session.execute(written_by).tuples().all())
    assert sorted(ids) == sorted(text for group in texts for text in group)
    submit(world.session, assignment, person, [[ids[text] for text in group] for group in texts])


def counts(world: World, comparison: BlindComparison) -> tuple[int, int, int, int]:
    tally = blind.tally_of(world.session, comparison)
    return tally.wins, tally.losses, tally.ties, tally.identical


def candidate_of(world: World) -> ModelVersion:
    return a_policy(world)


@pytest.mark.parametrize(("cards", "half"), [(2, 1), (4, 2)])
def test_its_tasks_have_as_many_cards_as_the_others_half_by_each(make_stage: MakeStage, cards: int, half: int) -> None:
    world = make_stage(cards, 6)
    written(world, comparison := asked(world, candidate_of(world)))
    assert sides(world, comparison) == [(half, half)] * 6


def test_of_an_odd_number_either_writes_one_more_by_chance(make_stage: MakeStage) -> None:
    world = make_stage(3, 24)
    written(world, comparison := asked(world, candidate_of(world), prompts=24))
    split = Counter(sides(world, comparison))
    assert set(split) == {(1, 2), (2, 1)}
    # Of 24 fair coins all fall alike once in eight million times.
    assert split.total() == 24


def test_a_judgment_of_four_is_one_vote_for_who_wins_more_pairs(make_stage: MakeStage) -> None:
    world = make_stage(4, 5)
    comparison = asked(world, candidate_of(world))
    told(world, claimed(world, comparison), lambda role, _, index: f"{role} {index}")
    mine, other = ("first 0", "first 1"), ("second 0", "second 1")
    judged(world, [[mine[0]], [other[0]], [mine[1]], [other[1]]])
    assert counts(world, comparison) == (1, 0, 0, 0), "three of its four pairs are won: one vote, not three"
    judged(world, [[other[0]], [mine[0], mine[1]], [other[1]]])
    assert counts(world, comparison) == (1, 0, 1, 0), "two won and two lost"
    judged(world, [[mine[0], other[0], other[1]], [mine[1]]])
    assert counts(world, comparison) == (1, 1, 1, 0), "two ties and two lost"
    judged(world, [[*mine, *other]])
    judged(world, [list(other), list(mine)])
    assert counts(world, comparison) == (1, 2, 2, 0)
    assert blind.tally_of(world.session, comparison).most_by_one == 1


def test_what_both_say_is_one_card_and_counts_for_both(make_stage: MakeStage) -> None:
    world = make_stage(4, 2)
    comparison = asked(world, candidate_of(world))
    said = {"first": ["shared", " mine "], "second": ["theirs", "shared\u2003"]}
    told(world, claimed(world, comparison), lambda role, _, index: said[role][index])
    # As it lies, `shared` against `theirs` is won by the candidate, `mine` against both is lost, `shared` is a tie.
    judged(world, [["shared"], ["theirs"], [" mine "]])
    assert counts(world, comparison) == (0, 1, 0, 0)
    judged(world, [["shared"], [" mine "], ["theirs"]])
    assert counts(world, comparison) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        (["a"], ["a "], True),
        (["a", "b"], ["b", "a"], True),
        (["a", "a"], ["a"], True),
        (["a", "b"], ["a", "a"], False),
        (["a", "b"], ["a"], False),
        (["a", "a", "b"], ["a", "b"], False),
    ],
)
def test_nobody_is_asked_where_no_order_could_prefer_either(ours: list[str], theirs: list[str], alike: bool) -> None:
    written_by = [(said, 1) for said in ours] + [(said, 2) for said in theirs]
    assert is_told_alike(written_by) is alike
    trimmed = [[one.strip() for one in side] for side in (ours, theirs)]
    texts = sorted({*trimmed[0], *trimmed[1]})
    leads = [
        sum((rank[b] > rank[a]) - (rank[b] < rank[a]) for a, b in product(*trimmed))
        for rank in ({text: place for place, text in enumerate(order)} for order in permutations(texts))
    ]
    assert (not any(leads)) is alike


def test_prompts_answered_alike_are_counted_and_asked_of_nobody(make_stage: MakeStage) -> None:
    world = make_stage(4, 3)
    comparison = asked(world, candidate_of(world))
    said = {"first": ["one", "other"], "second": ["other", "one"]}
    told(world, claimed(world, comparison), lambda role, place, index: "x" if place == 0 else said[role][index])
    assert counts(world, comparison) == (0, 0, 0, 3)
    assert sides(world, comparison) == []


def test_a_verdict_by_cards_of_four(make_stage: MakeStage) -> None:
    world = make_stage(4, 16)
    candidate = candidate_of(world)
    written(world, comparison := asked(world, candidate))
    votes(world, candidate, "win", 14)
    blind.look(world.session, comparison.id)
    assert comparison.state == "open", "14 judgments hold 56 pairs, which as votes would be more than enough"
    votes(world, candidate, "win", 1)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict, comparison.wins) == ("finished", "better", 15)
