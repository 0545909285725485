"""The rules of assignment, by hand."""

from collections import Counter
from datetime import timedelta
from random import Random

from app.tasks.assignment import distinct, lease_length, letters, priority_class, shown_order, shuffle_keys


def test_newer_policies_go_first_and_half_done_before_new() -> None:
    classes = [priority_class(2, half_done=True), priority_class(2), priority_class(1, half_done=True),
               priority_class(1), priority_class(0)]  # fmt: skip
    assert classes == [19994, 19995, 19996, 19997, 19999]
    assert priority_class(10**6, half_done=True) == 0
    assert priority_class(-1) == 19999


def test_shown_order_sorts_by_the_keys() -> None:
    assert shown_order([10, 20, 30], [3, 1, 2, 9, 8, 7, 6, 5, 4]) == [20, 30, 10]


def test_every_order_is_as_likely() -> None:
    random = Random(1)  # noqa: S311 - chance, not secrets
    orders = Counter(tuple(shown_order([1, 2, 3], shuffle_keys(random))) for _ in range(6000))
    assert len(orders) == 6
    assert all(850 < seen < 1150 for seen in orders.values())


def test_letters_and_leases() -> None:
    assert letters(4) == ["A", "B", "C", "D"]
    assert lease_length(0.5) == timedelta(seconds=30)


def test_the_first_of_equal_texts_is_kept() -> None:
    assert distinct([(1, "a"), (2, "b"), (3, " a\n")]) == [1, 2]
