import hashlib
from collections import Counter

from app.prompts.splits import group_hash, split_of


def test_the_split_is_the_hash_of_the_group_modulo_100():
    def with_percent(percent: int) -> bytes:
        return percent.to_bytes(8) + bytes(24)

    assert [split_of(with_percent(percent)) for percent in (0, 79, 80, 89, 90, 99, 100)] == [
        "train",
        "train",
        "validation",
        "validation",
        "test",
        "test",
        "train",
    ]


def test_a_given_group_beats_the_text_and_cannot_collide_with_one():
    assert group_hash("a", "x") == group_hash("a", "y") == hashlib.sha256(b"group:a").digest()
    assert group_hash(None, "x") != group_hash("x", "x")


def test_near_copies_of_a_first_turn_stay_together():
    assert group_hash(None, "  Why is the SKY blue? ") == group_hash(None, "why is\tthe sky blue?")
    assert group_hash(None, "Äpfel") == group_hash(None, "A\u0308pfel")
    assert group_hash(None, "one") != group_hash(None, "two")


def test_eighty_ten_ten():
    counted = Counter(split_of(group_hash(None, f"prompt {number}")) for number in range(10_000))
    assert abs(counted["train"] - 8000) < 200
    assert abs(counted["validation"] - 1000) < 150
    assert abs(counted["test"] - 1000) < 150
