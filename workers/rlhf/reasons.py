"""Why a recipe can't go on: an error as one word that the service knows, and what the run's owner can do."""

import errno
from typing import Final

import torch
from safetensors import SafetensorError

from workers.rlhf.artifacts import BadArtifactError
from workers.rlhf.credit import BlindValueError
from workers.rlhf.data import BadDataError
from workers.rlhf.import_model import BadModelError
from workers.rlhf.training import NonFiniteError

LESS_MEMORY: Final = "Lower prompts_per_chunk or rows_per_batch, or the longest lengths, or use LoRA."
FREE_SPACE: Final = "Free space in the data folder, then start the run again; checkpoints are kept."
UNKNOWN: Final = ("error", "The log has the details; if it happens again, please report it.")
BY_KIND: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (NonFiniteError, "non_finite", "Lower the learning rate, then start the run again."),
    (
        BlindValueError,
        "blind_value",
        "More prompts per update or value=apart help; blind_value=warn goes on as it is, and rloo needs no values.",
    ),
    (BadDataError, "bad_data", "Correct the data that the message names."),
    (BadArtifactError, "bad_model", "Choose another model version, or import the model again."),
    (BadModelError, "bad_model", "Check the source of the model."),
    (torch.OutOfMemoryError, "gpu_out_of_memory", LESS_MEMORY),
    (torch.AcceleratorError, "gpu_error", "Start the run again. If it fails alike, look at the GPU and its driver."),
    (MemoryError, "out_of_memory", LESS_MEMORY),
)
# Libraries that tell these apart by their words alone: torch's CPU allocator, CUDA's own libraries, safetensors.
BY_WORDS: Final[tuple[tuple[type[Exception], str, str, str], ...]] = (
    (RuntimeError, "DefaultCPUAllocator: can't allocate memory", "out_of_memory", LESS_MEMORY),
    (RuntimeError, "not enough memory: you tried to allocate", "out_of_memory", LESS_MEMORY),
    (RuntimeError, "CUDA out of memory", "gpu_out_of_memory", LESS_MEMORY),
    (RuntimeError, "CUBLAS_STATUS_ALLOC_FAILED", "gpu_out_of_memory", LESS_MEMORY),
    (
        RuntimeError,
        "CUDA error",
        "gpu_error",
        "Start the run again. If it fails alike, look at the GPU and its driver.",
    ),
    (SafetensorError, "No space left on device", "disk_full", FREE_SPACE),
)


def reason_of(error: Exception) -> tuple[str, str]:
    """The reason in one word, and advice."""
    for kind, reason, advice in BY_KIND:
        if isinstance(error, kind):
            return reason, advice
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "disk_full", FREE_SPACE
    for kind, words, reason, advice in BY_WORDS:
        if isinstance(error, kind) and words in str(error):
            return reason, advice
    return UNKNOWN
