"""The scripted annotator's taste, worked by hand."""

import pytest

from benchmarks.taste import gold_score, tiers


def test_each_twenty_five_words_cost_a_point() -> None:
    assert gold_score("word " * 25) == pytest.approx(-1.0)
    assert gold_score("word " * 50) == pytest.approx(-2.0)


def test_up_to_two_polite_phrases_earn_half_a_point_each() -> None:
    assert gold_score("Please wait.") == pytest.approx(0.5 - 2 / 25)
    assert gold_score("Please, please, please.") == pytest.approx(1.0 - 3 / 25)


def test_an_empty_answer_is_the_worst() -> None:
    assert gold_score("  ") == -10.0


def test_answers_within_a_tenth_of_a_point_tie() -> None:
    short, close, long = "word " * 5, "word " * 7, "word " * 30
    assert tiers([(1, long), (2, close), (3, short)]) == [[3, 2], [1]]
