"""LoRA over frozen weights in one function, and the gated part over it: less done with the states, fewer of them kept.

Written with autograd alone an adapted layer makes four tensors as wide as its outputs where one will do, and the gated
part keeps two that its backward pass can make again.

Formulas: LoRA (Hu et al. 2022), SwiGLU (Shazeer 2020). Shapes: T = tokens, o and i = a layer's outputs and inputs,
r = rank.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora.layer import Linear as AdaptedLinear
from torch import Tensor, nn
from torch.nn.functional import silu

from workers.rlhf.in_place import gradient_of
from workers.rlhf.products import product


@dataclass(frozen=True, slots=True)
class Adapter:
    """A frozen layer with the adapter that is on: x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ."""

    weight_oi: Tensor
    bias: Tensor | None
    down_ri: Tensor
    up_or: Tensor
    scale: float

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs [..., o], and the inner states [T, r] that their gradient needs."""
        low_Tr = states.flatten(0, -2) @ self.down_ri.T
        outputs = product(states, self.weight_oi, self.bias)
        outputs.view(-1, outputs.size(-1)).addmm_(low_Tr, self.up_or.T, alpha=self.scale)
        return outputs, low_Tr

    def backward(self, slope: Tensor, states: Tensor, low_Tr: Tensor, wanted: tuple[bool, bool, bool]) -> Tensor | None:
        """The gradient of the states if it is wanted; those of A and B are added where they are kept."""
        slope_To, to_states, (states_wanted, down_wanted, up_wanted) = slope.flatten(0, -2), None, wanted
        inner_Tr = (slope_To @ self.up_or).mul_(self.scale)
        if up_wanted:
            gradient_of(self.up_or).addmm_(slope_To.T, low_Tr, alpha=self.scale)
        if down_wanted:
            gradient_of(self.down_ri).addmm_(inner_Tr.T, states.flatten(0, -2))
        if states_wanted:
            to_states = product(slope, self.weight_oi.T)
            to_states.view(-1, to_states.size(-1)).addmm_(inner_Tr, self.down_ri)
        return to_states


def can_adapt(layer: Any) -> bool:
    """Whether a layer is LoRA over a plain frozen one, on a CPU in fp32, and nothing else."""
    if type(layer) is not AdaptedLinear or type(layer.base_layer) is not nn.Linear or "forward" in vars(layer):
        return False
    base, parts = layer.base_layer, [part for pair in (layer.lora_A, layer.lora_B) for part in pair.values()]
    if layer.lora_variant or layer.merged or torch.is_autocast_enabled("cpu") or _learns(base):
        return False
    plain = all(type(part) is nn.Linear and part.bias is None for part in parts)
    whole = all(part.weight.is_cpu and part.weight.dtype == torch.float32 for part in [base, *parts])
    return plain and whole and all(isinstance(drop, nn.Identity) for drop in layer.lora_dropout.values())


def _learns(base: nn.Linear) -> bool:
    return base.weight.requires_grad or (base.bias is not None and base.bias.requires_grad)


def adapter_of(layer: Any) -> Adapter | None:
    """The one adapter that is on in a layer now; None where there is none or there are several."""
    names = [] if layer.disable_adapters else [name for name in layer.active_adapters if name in layer.lora_A]
    if len(names) != 1:
        return None
    base, (name,) = layer.base_layer, names
    return Adapter(
        base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight, float(layer.scaling[name])
    )


def read_adapted(layer: Any, states: Tensor) -> Tensor:
    """What the layer does, in one function."""
    adapter = adapter_of(layer)
    if adapter is not None:
        return _adapted(states, adapter.down_ri, adapter.up_or, adapter)
    if layer.disable_adapters and not (torch.is_grad_enabled() and states.requires_grad):
        return product(states, layer.base_layer.weight, layer.base_layer.bias)
    outputs: Tensor = type(layer).forward(layer, states)
    return outputs


def read_gated_adapted(layer: Any, states: Tensor) -> Tensor:
    """The gated part over an adapted layer, likewise."""
    gate, up, adapter = layer.gate_proj(states), layer.up_proj(states), adapter_of(layer.down_proj)
    if adapter is None:
        outputs: Tensor = layer.down_proj(silu(gate) * up)
        return outputs
    return _gated_adapted(gate, up, adapter.down_ri, adapter.up_or, adapter)


class _Adapted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, _down_ri: Tensor, _up_or: Tensor, adapter: Adapter) -> Tensor:
        outputs, low_Tr = adapter.forward(states)
        ctx.save_for_backward(states, low_Tr)
        ctx.adapter = adapter
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        states, low_Tr = ctx.saved_tensors
        to_states = ctx.adapter.backward(gradients[0], states, low_Tr, ctx.needs_input_grad[:3])
        return to_states, None, None, None


class _GatedAdapted(torch.autograd.Function):
    """The layer over silu(gate) · up."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, _down_ri: Tensor, _up_or: Tensor, adapter: Adapter) -> Tensor:
        outputs, low_Tr = adapter.forward(silu(gate).mul_(up))
        ctx.save_for_backward(gate, up, low_Tr)
        ctx.adapter = adapter
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        gate, up, low_Tr = ctx.saved_tensors
        open_gate = silu(gate)
        to_gate, to_up, down_wanted, up_wanted, _ = ctx.needs_input_grad
        wanted = (to_gate or to_up, down_wanted, up_wanted)
        slope = ctx.adapter.backward(gradients[0], open_gate * up, low_Tr, wanted)
        if slope is None:
            return None, None, None, None, None
        of_up = open_gate.mul_(slope)
        return torch.ops.aten.silu_backward(slope.mul_(up), gate), of_up, None, None, None


_adapted: Callable[[Tensor, Tensor, Tensor, Adapter], Tensor] = _Adapted.apply
_gated_adapted: Callable[[Tensor, Tensor, Tensor, Tensor, Adapter], Tensor] = _GatedAdapted.apply
