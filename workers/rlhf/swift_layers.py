"""A copy of the weights for a policy that writes on a CPU: a few rows at a time, the same weights for every token.

The copy is laid out once for such products, and the adapter lies in it too, W + s·B·A, so that each layer is one
product. The weights themselves are not touched. Shapes: o and i = a layer's outputs and inputs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from workers.rlhf.in_place import forwards
from workers.rlhf.models import Role
from workers.rlhf.products import can_multiply, laid_out, laid_out_product

# Of a larger model no copy is made.
MOST_BYTES: Final = 2 << 30
# To lay a model out takes about as long as to write so many tokens.
FEWEST_TOKENS: Final = 16


@contextmanager
def swift_layers(role: Role, tokens: int) -> Iterator[None]:
    """Let a role's model read from such a copy until it has written so many tokens; nothing may learn inside."""
    with forwards(_copies(role, tokens)):
        yield


def writes_from_copy(role: Role, tokens: int) -> bool:
    """Whether a role that may write so many tokens writes them from a copy, whose products round a little apart."""
    return bool(_copied(role, tokens))


@torch.no_grad()
def _copies(role: Role, tokens: int) -> dict[nn.Module, Callable[..., Tensor]]:
    adapter = _adapter(role)
    return {
        layer: partial(_read, laid_out(_weight(layer, adapter)), _plain(layer).bias) for layer in _copied(role, tokens)
    }


def _copied(role: Role, tokens: int) -> list[Any]:
    layers = [layer for layer in _linear(role.model.causal) if _can(layer, _adapter(role))]
    is_small = sum(_plain(layer).weight.nbytes for layer in layers) <= MOST_BYTES
    return layers if is_small and tokens >= FEWEST_TOKENS else []


def _adapter(role: Role) -> str | None:
    return role.adapter if role.adapter in role.model.lora else None


def _linear(module: nn.Module) -> Iterator[nn.Module]:
    """All linear layers; of one with adapters the whole, and not what is in it."""
    for child in module.children():
        if isinstance(child, nn.Linear | LoraLayer):
            yield child
        else:
            yield from _linear(child)


def _plain(layer: Any) -> Any:
    return layer.base_layer if isinstance(layer, LoraLayer) else layer


def _can(layer: Any, adapter: str | None) -> bool:
    plain = _plain(layer)
    if type(plain) is not nn.Linear or "forward" in vars(layer) or not can_multiply(plain.weight):
        return False
    if not isinstance(layer, LoraLayer) or adapter is None or adapter not in layer.lora_B:
        return True
    # What a layer adds must be one matrix that its weight does not hold yet: no variant of LoRA, no bias of its own.
    return (
        adapter not in layer.lora_variant and not layer.merged and getattr(layer.lora_B[adapter], "bias", None) is None
    )


def _weight(layer: Any, adapter: str | None) -> Tensor:
    """The weight [o, i] with what an adapter adds to it."""
    weight: Tensor = _plain(layer).weight.detach()
    if adapter is None or not isinstance(layer, LoraLayer) or adapter not in layer.lora_A:
        return weight
    adapted: Any = layer
    delta: Tensor = adapted.get_delta_weight(adapter)
    return delta.add_(weight)


def _read(copy_oi: Tensor, bias: Tensor | None, _: nn.Module, states: Tensor) -> Tensor:
    return laid_out_product(states, copy_oi, bias)
