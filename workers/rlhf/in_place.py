"""Gradients of large weights added where they are kept, instead of made apart and then added.

Autograd makes each weight's gradient as a new tensor in every pass and adds it to what is there: for a step in several
passes that is all gradients once more, written and read again each time, in pages that a CPU gets from the system anew.
BLAS adds the product as it goes: G ← G + ∂ᵀ·X.

Shapes: T = tokens, i and o = a layer's inputs and outputs, V = vocabulary, d = width.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from workers.rlhf.products import product


@contextmanager
def gradients_in_place(module: nn.Module) -> Iterator[None]:
    """Let `backward` add to the gradients of linear layers and embeddings in place; it belongs inside too.

    On a CPU without autocast, for fp32 weights that learn; the rest goes on as ever. Inside, `torch.autograd.grad`
    finds no gradient of these weights: it only goes to their `grad`.
    """
    with forwards({layer: _FORWARD[type(layer)] for layer in module.modules() if _can(layer)}):
        yield


@contextmanager
def forwards(of: Mapping[nn.Module, Callable[..., Tensor]]) -> Iterator[None]:
    """Let modules work as given functions, which get the module first, say."""
    try:
        for module, function in of.items():
            module.forward = partial(function, module)
        yield
    finally:
        for module in of:
            vars(module).pop("forward", None)


def _can(layer: nn.Module) -> bool:
    if type(layer) not in _FORWARD or "forward" in vars(layer) or torch.is_autocast_enabled("cpu"):
        return False
    if isinstance(layer, nn.Embedding) and (layer.sparse or layer.scale_grad_by_freq or layer.max_norm is not None):
        return False
    weight: Any = layer.weight
    return bool(weight.requires_grad and weight.is_leaf and weight.is_cpu and weight.dtype == torch.float32)


def _read_linear(layer: nn.Linear, states: Tensor) -> Tensor:
    outputs = _linear(states, layer.weight)
    return outputs if layer.bias is None else outputs + layer.bias


def _read_embedding(layer: nn.Embedding, ids: Tensor) -> Tensor:
    return _embedding(ids, layer.weight, layer.padding_idx)


def adds_in_place(layer: nn.Module) -> bool:
    """Whether the layer's gradient is to be added in place now."""
    return "forward" in vars(layer) and type(layer) in _FORWARD


def gradient_of(weight: Tensor) -> Tensor:
    """Where the weight's gradient is added up; zeros at first, so that a first pass rounds as a later one does."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight_oi: Tensor) -> Tensor:
        ctx.save_for_backward(states)
        ctx.weight = weight_oi
        return product(states, weight_oi)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (states,), weight_oi = ctx.saved_tensors, ctx.weight
        to_states, to_weight = ctx.needs_input_grad
        if to_weight:
            slope_oT = gradients[0].flatten(0, -2).T
            gradient_of(weight_oi).addmm_(slope_oT, states.flatten(0, -2))
        return product(gradients[0], weight_oi.T) if to_states else None, None


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, weight_Vd: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.weight, ctx.padding = weight_Vd, padding
        return embedding(ids, weight_Vd)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (ids,), weight_Vd = ctx.saved_tensors, ctx.weight
        ids_T, slope_Td = ids.flatten(), gradients[0].flatten(0, -2)
        if ctx.padding is not None:
            learnt = ids_T != ctx.padding
            ids_T, slope_Td = ids_T[learnt], slope_Td[learnt]
        gradient_of(weight_Vd).index_add_(0, ids_T, slope_Td)
        return None, None, None


_linear: Callable[[Tensor, Tensor], Tensor] = _Linear.apply
_embedding: Callable[[Tensor, Tensor, int | None], Tensor] = _Embedding.apply
_FORWARD: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Linear: _read_linear,
    nn.Embedding: _read_embedding,
}
