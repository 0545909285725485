"""Products of states and weights without a way back for gradients, on a CPU by oneDNN.

BLAS lays a weight out anew in every product, which for few rows takes as long as the product itself. oneDNN multiplies
faster here, and can keep its layout of a weight that is read again and again.

Shapes: o and i = outputs and inputs.
"""

from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import linear

# With fewer numbers in the weight a product is over before oneDNN has found its kernel.
SMALLEST: Final = 1 << 16
# Rows that a kept layout is meant for; others can be read in it, too.
ROWS: Final = 32
ONEDNN: Final[Any] = torch.ops.mkldnn
ONEDNN_IS_HERE: Final = hasattr(ONEDNN, "_linear_pointwise") and hasattr(ONEDNN, "_reorder_linear_weight")


def product(states: Tensor, weight_oi: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b [..., o], without a way back for gradients."""
    if can_multiply(weight_oi) and states.dtype == torch.float32:
        return laid_out_product(states, weight_oi.detach(), bias)
    return linear(states, weight_oi, bias)


def laid_out(weight_oi: Tensor) -> Tensor:
    """A copy of a weight in oneDNN's own layout, for `laid_out_product` alone."""
    copy: Tensor = ONEDNN._reorder_linear_weight(weight_oi, ROWS)  # noqa: SLF001 -- torch has no other door to it
    return copy


@torch.no_grad()
def laid_out_product(states: Tensor, weight_oi: Tensor, bias: Tensor | None) -> Tensor:
    """x·Wᵀ + b [..., o] by oneDNN, of a weight that it can multiply, in its own layout or not."""
    outputs: Tensor = ONEDNN._linear_pointwise(states, weight_oi, bias, "none", [], "")  # noqa: SLF001 -- as above
    return outputs


def can_multiply(weight_oi: Tensor) -> bool:
    """Whether oneDNN is here, and better at a weight: large ones of 32 bits."""
    return (
        weight_oi.is_cpu
        and weight_oi.dtype == torch.float32
        and weight_oi.numel() >= SMALLEST
        and not torch.is_autocast_enabled("cpu")
        and ONEDNN_IS_HERE
    )
