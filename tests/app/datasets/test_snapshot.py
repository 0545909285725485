"""What makes a dataset the same dataset, by hand."""

import hashlib

import pytest

from app.datasets.snapshot import SplitLeak, canonical_line, check_groups, check_training_split, content_hash


def test_equal_records_give_equal_bytes() -> None:
    assert canonical_line({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}\n'.encode()
    assert canonical_line({"a": None, "b": [1, "é"]}) == canonical_line({"b": [1, "é"], "a": None})


def test_the_hash_is_sha256_of_the_lines_in_order() -> None:
    lines = b'{"a":1}\n{"a":2}\n'
    assert content_hash([{"a": 1}, {"a": 2}]) == hashlib.sha256(lines).hexdigest()
    assert content_hash([{"a": 2}, {"a": 1}]) != content_hash([{"a": 1}, {"a": 2}])


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_line({"a": float("nan")})


def test_the_test_split_is_never_trained_on() -> None:
    check_training_split("train", 1)
    check_training_split("validation", 1)
    with pytest.raises(SplitLeak, match="prompt 7 is in the test split"):
        check_training_split("test", 7)


def test_a_group_lives_in_one_split() -> None:
    check_groups([("train", "aa"), ("test", "bb"), ("train", "aa")])
    with pytest.raises(SplitLeak, match="test and train"):
        check_groups([("train", "aa"), ("test", "aa")])
