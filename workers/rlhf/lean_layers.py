"""Layers of the Llama family that keep less for the backward pass, and give the same numbers.

Between its products a layer keeps every intermediate: of the gated part four tensors as wide as its inside, where two
say it all, and of a norm its input twice. What is missing is worked out again in the backward pass, element by element,
which costs next to nothing beside the products.

Formulas: SwiGLU (Shazeer 2020), RMSNorm (Zhang & Sennrich 2019). Shapes: T = tokens, d = width, i = inner width.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from workers.rlhf.in_place import adds_in_place, forwards, gradient_of, gradients_in_place
from workers.rlhf.lean_adapters import can_adapt, read_adapted, read_gated_adapted
from workers.rlhf.products import product

Reads = dict[nn.Module, Callable[..., Tensor]]
GATED: Final = frozenset({"LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP"})
SILUS: Final = frozenset({"SiLU", "SiLUActivation"})
NORMS: Final = frozenset({"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm"})


@contextmanager
def lean_layers(module: nn.Module) -> Iterator[None]:
    """Let all layers of a model keep what they must, and add gradients in place; `backward` belongs inside.

    On a CPU in fp32, where all weights learn (as with `gradients_in_place`) or adapters on frozen ones.
    """
    with gradients_in_place(module):
        gated: Reads = {layer: _read_gated for layer in module.modules() if _is_gated(layer)}
        gated |= {layer: read_gated_adapted for layer in module.modules() if _is_gated_adapted(layer)}
        adapted: Reads = {layer: read_adapted for layer in module.modules() if can_adapt(layer)}
        norms: Reads = {layer: _read_norm for layer in module.modules() if gated and _is_norm(layer)}
        with forwards(gated | adapted | norms):
            yield


def _is_gated(layer: Any) -> bool:
    return _has_gate(layer) and adds_in_place(layer.down_proj) and layer.down_proj.bias is None


def _is_gated_adapted(layer: Any) -> bool:
    return _has_gate(layer) and can_adapt(layer.down_proj)


def _has_gate(layer: Any) -> bool:
    return type(layer).__name__ in GATED and type(layer.act_fn).__name__ in SILUS and "forward" not in vars(layer)


def _is_norm(layer: Any) -> bool:
    return type(layer).__name__ in NORMS and layer.weight.dtype == torch.float32 and "forward" not in vars(layer)


def _read_gated(layer: Any, states: Tensor) -> Tensor:
    return _gated(layer.gate_proj(states), layer.up_proj(states), layer.down_proj.weight)


def _read_norm(layer: Any, states: Tensor) -> Tensor:
    return _normed(states, layer.weight, layer.variance_epsilon)


class _Gated(torch.autograd.Function):
    """(silu(gate) · up) · Wᵀ."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, weight_di: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.weight = weight_di
        return product(silu(gate).mul_(up), weight_di)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        gate, up = ctx.saved_tensors
        open_gate = silu(gate)
        inner_Ti = (open_gate * up).flatten(0, -2)
        gradient_of(ctx.weight).addmm_(gradients[0].flatten(0, -2).T, inner_Ti)
        slope = product(gradients[0], ctx.weight.T)
        to_up = open_gate.mul_(slope)
        return torch.ops.aten.silu_backward(slope.mul_(up), gate), to_up, None


class _Normed(torch.autograd.Function):
    """w · x / √(mean(x²) + ε)."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight_d: Tensor, epsilon: float) -> Tensor:
        inverse = states.square().mean(dim=-1, keepdim=True).add_(epsilon).rsqrt_()
        ctx.save_for_backward(states, inverse, weight_d)
        return (states * inverse).mul_(weight_d)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        states, inverse, weight_d = ctx.saved_tensors
        unit = states * inverse
        to_weight = (gradients[0] * unit).flatten(0, -2).sum(dim=0) if ctx.needs_input_grad[1] else None
        slope = gradients[0] * weight_d
        along = (slope * unit).mean(dim=-1, keepdim=True)
        return slope.sub_(unit.mul_(along)).mul_(inverse), to_weight, None


_gated: Callable[[Tensor, Tensor, Tensor], Tensor] = _Gated.apply
_normed: Callable[[Tensor, Tensor, float], Tensor] = _Normed.apply
