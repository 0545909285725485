"""The controls add up in one way, and leave the process as it was."""

import torch

from tests.sanity.conftest import one_thread


def test_other_tests_get_their_threads_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(mode=False)
    with one_thread():
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (1, True)
    try:
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (2, False)
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(mode=True, warn_only=True)


def test_the_controls_themselves_run_on_one() -> None:
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (1, True)
