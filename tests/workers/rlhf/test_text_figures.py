import pytest

from workers.rlhf.text_figures import distinct, repetition


def test_variety_is_the_share_of_different_runs() -> None:
    assert distinct(["a b c", "a b d"], 1) == pytest.approx(4 / 6)
    assert distinct(["a b c", "a b d"], 2) == pytest.approx(3 / 4)
    assert distinct(["", "one"], 2) is None


def test_only_what_was_said_before_is_repetition() -> None:
    assert repetition("one two three four five six") == 0
    assert repetition("go on now then " * 5) == pytest.approx(1 - 4 / 17)
    assert repetition("too short") == 0


def test_a_script_without_spaces_has_words_too() -> None:
    assert distinct(["你好你好"], 1) == 0.5
