import pytest

from workers.rlhf.data import BadDataError
from workers.rlhf.text_figures import distinct, flagged, read_flags, repetition


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


def test_flags_say_which_texts_to_look_at() -> None:
    texts = ["Write to a.b@c.org.", "Call +44 20 7946 0958.", "All is well at 10:30.", "You IDIOT, see www.x.org"]
    found = flagged(texts)
    assert found["e-mail address"] == [0]
    assert found["phone number"] == [1]
    assert found["insult"] == found["link"] == [3]
    assert all(2 not in places for places in found.values())


def test_flags_can_be_ones_own() -> None:
    own = read_flags("# ours\n\ncolour: \\b(red|blue)\\b; shape: round\n")
    assert flagged(["a red one", "reddish", "round"], own) == {"colour": [0], "shape": [2]}
    for text in ("colour: (", "no pattern", ": x", "fine: y; worse"):
        with pytest.raises(BadDataError, match=r"flags, line 1"):
            read_flags(text)
