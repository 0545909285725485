from itertools import chain

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.rlhf.packing import Row, bucket, end_to_end, pack, side_by_side

lengths_of_texts = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def row(ids: list[int], learnt: list[int]) -> Row:
    return Row(ids, [place in learnt for place in range(len(ids))])


@given(lengths_of_texts, st.integers(1, 60))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("group", [pack, bucket])
def test_every_text_is_in_one_group_and_no_group_is_too_large(group, lengths: list[int], room: int) -> None:
    groups = group(lengths, room)
    assert sorted(chain.from_iterable(groups)) == list(range(len(lengths)))
    for places in groups:
        size = (
            sum(lengths[place] for place in places)
            if group is pack
            else len(places) * max(lengths[place] for place in places)
        )
        assert size <= room or len(places) == 1


def test_the_fullest_group_that_still_fits_is_taken() -> None:
    assert pack([5, 4, 3, 2, 1], 6) == [[0, 4], [1, 3], [2]]


def test_texts_of_like_length_lie_side_by_side() -> None:
    assert bucket([3, 30, 4, 31, 29], 90) == [[3, 1], [4, 2, 0]]


def test_a_token_is_predicted_from_the_one_before_it_in_its_own_text() -> None:
    rows = [row([10, 11, 12], [2]), row([20, 21], [0, 1]), row([30, 31, 32, 33], [1, 3])]
    assert [entry.targets for entry in rows] == [1, 1, 2]
    packed = end_to_end(rows)
    assert packed.ids_NT.tolist() == [[10, 11, 20, 30, 31, 32]]
    assert packed.position_NT.tolist() == [[0, 1, 0, 0, 1, 2]]
    assert packed.lengths == (2, 1, 3)
    assert packed.ids_NT.flatten()[packed.before_M].tolist() == [11, 20, 30, 32]
    assert packed.target_M.tolist() == [12, 21, 31, 33]
    padded = side_by_side(rows, pad_id=0)
    assert padded.ids_NT.flatten()[padded.before_M].tolist() == [11, 20, 30, 32]
    assert torch.equal(padded.target_M, packed.target_M)
    assert padded.mask_NT.sum().item() == 6
