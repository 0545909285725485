"""Every way in which a recipe says it can't go on has its own word and advice."""

import errno

import pytest
import torch
from safetensors import SafetensorError

from workers.jobs.outcome import ADVICE
from workers.rlhf.credit import BlindValueError
from workers.rlhf.data import BadDataError
from workers.rlhf.reasons import BY_KIND, BY_WORDS, UNKNOWN, reason_of
from workers.rlhf.training import NonFiniteError, require_finite


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NonFiniteError("loss is nan"), "non_finite"),
        (BlindValueError("nothing explained"), "blind_value"),
        (BadDataError("line 3"), "bad_data"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "gpu_out_of_memory"),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), "gpu_error"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "gpu_out_of_memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), "gpu_error"),
        (MemoryError(), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EACCES, "Permission denied"), "error"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "error"),
        (ValueError("epochs: must be at least 1"), "error"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_error_has_its_reason(error: Exception, reason: str) -> None:
    assert reason_of(error)[0] == reason
    assert reason_of(error)[1]


def test_torch_itself_says_so_where_memory_does_not_suffice() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 50)
    assert reason_of(refused.value)[0] == "out_of_memory"


def test_a_loss_that_is_no_number_is_told_as_such() -> None:
    with pytest.raises(NonFiniteError) as stopped:
        require_finite(torch.tensor(float("nan")), "loss")
    assert reason_of(stopped.value)[0] == "non_finite"


def test_safetensors_words_for_a_full_disk_are_known() -> None:
    full = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert reason_of(full)[0] == "disk_full"
    assert reason_of(SafetensorError("Error while deserializing header: HeaderTooLarge"))[0] == "error"


def test_every_reason_has_advice_where_the_service_judges_it_too() -> None:
    told = {entry[1] for entry in BY_KIND} | {entry[2] for entry in BY_WORDS} | {UNKNOWN[0], "disk_full"}
    assert told - {"blind_value"} <= set(ADVICE)
