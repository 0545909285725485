"""What the scripted annotator writes, worked by hand."""

from benchmarks.meeting import demonstration


def test_a_demonstration_is_the_start_of_the_best_answer_politely_closed() -> None:
    long = "word " * 60
    assert demonstration([long, "Cut it. Then cook it. Then eat it."]) == "Cut it. Then cook it. I hope this helps."


def test_what_is_polite_already_is_left_as_it_is() -> None:
    assert demonstration(["Please cook it! Enjoy. More words follow here."]) == "Please cook it! Enjoy."


def test_nothing_comes_of_answers_without_a_word() -> None:
    assert demonstration(["  ", ""]) == ""
