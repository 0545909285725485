"""Ways of running a prompt with its replies, all equal to separate rows; a model that takes one badly gets another."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import torch
from torch import nn
from transformers import DynamicCache

from workers.rlhf.attention import packable
from workers.rlhf.prefix import Dialogues, States, as_rows, dialogues, shared, shares_prefix
from workers.rlhf.tree import as_tree

logger = logging.getLogger(__name__)

Form = Literal["cache", "tree", "rows"]
FORMS: Final[Mapping[str, Callable[[nn.Module, Dialogues], States]]] = MappingProxyType(
    {"cache": shared, "tree": as_tree, "rows": as_rows}
)
REFUSALS: Final = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)
# Relative to the size of the states; a form that a model misreads is off by tenths.
CLOSE_ENOUGH: Final[Mapping[torch.dtype, float]] = MappingProxyType({torch.float32: 1e-3, torch.float64: 1e-3})
CLOSE_IN_HALF: Final = 0.05
# On a GPU a smaller model is done with a pass sooner than Python has asked for the next: one pass over repeated prompts
# beats two without repetition.
LAUNCH_BOUND: Final = 1_000_000_000


def run(
    backbone: nn.Module, batch: Dialogues, *, form: Form | None = None, start: DynamicCache | None = None
) -> States:
    """Hidden states of all dialogues; without a form, the prompt is shared where the model's cache allows it.

    `start` holds keys and values that come before each of the B prompts; only a shared cache can have some.
    """
    if start is not None:
        return shared(backbone, batch, start)
    return FORMS[form or ("cache" if shares_prefix(backbone) else "rows")](backbone, batch)


def choose(backbone: nn.Module, wanted: str = "auto") -> Form:
    """The form that was asked for, or the fastest, if a few tokens come out as in separate rows; else rows."""
    if wanted == "auto" and launch_bound(backbone):
        return "rows"
    candidates: tuple[Form, ...] = fastest_first(backbone) if wanted == "auto" else (wanted,)  # type: ignore[assignment]
    for form in candidates:
        if form != "rows" and shares_prefix(backbone) and is_exact(backbone, form):
            return form
    return "rows"


def fastest_first(backbone: Any) -> tuple[Form, ...]:
    """The forms that share prompts. On a CPU one row multiplies every weight once, where it costs no dense mask."""
    return ("tree", "cache") if backbone.device.type == "cpu" and packable(backbone) else ("cache", "tree")


def launch_bound(backbone: nn.Module) -> bool:
    """Whether launching a pass over a few prompts takes longer than the pass itself."""
    weights = list(backbone.parameters())
    return weights[0].is_cuda and sum(weight.numel() for weight in weights) < LAUNCH_BOUND


@torch.no_grad()
def is_exact(backbone: Any, form: Form) -> bool:
    """Whether a form gives this model's states of separate rows on two short prompts with three replies."""
    batch = dialogues([[3, 5, 7, 4, 6], [5, 3]], [[[6, 4, 3], [7]], [[4, 7]]], 0).to(backbone.device)
    try:
        one, many = (FORMS[way](backbone, batch).reply_NRd[batch.reply_mask_NR].float() for way in (form, "rows"))
    except REFUSALS as refusal:
        logger.warning("the form %r is not taken: %s: %s", form, type(refusal).__name__, refusal)
        return False
    return float((one - many).norm() / many.norm()) < CLOSE_ENOUGH.get(backbone.dtype, CLOSE_IN_HALF)
