from benchmarks.sft_data import REAL_LENGTHS, STOP, demonstrations_of

PLAN = {"seed": 3, "steps": 2, "rows": 96, "lengths": "real", "vocabulary": 512}


def test_both_sides_get_the_same_demonstrations_in_real_lengths() -> None:
    found = demonstrations_of(PLAN)
    assert found == demonstrations_of(PLAN)
    assert found != demonstrations_of(PLAN | {"seed": 4})
    assert len(found) == 192
    assert {(len(asked), len(answered)) for asked, answered in found} == set(REAL_LENGTHS)
    for asked, answered in found:
        assert answered[-1] == STOP
        assert max(asked + answered) < 512
        assert STOP not in asked + answered[:-1]


def test_no_text_is_longer_than_the_longest_that_both_read() -> None:
    assert len(REAL_LENGTHS) == 128
    assert max(asked + answered for asked, answered in REAL_LENGTHS) <= 1024
    assert min(answered for _, answered in REAL_LENGTHS) >= 1
