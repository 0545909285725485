"""A key/value cache with room to grow, so that a new token is written in place instead of copying all before it."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers leaves its hook untyped
    """Keys and values of one layer inside buffers [N, heads, room, d]; for sampling only, gradients don't pass."""

    def __init__(self, keys: Tensor, values: Tensor, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(keys, values)
        self._length = keys.size(-2)
        self._keys, self._values = _with_room(keys, room), _with_room(values, room)
        self._show()

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write new keys and values behind the old ones; both are returned up to here."""
        start, self._length = self._length, self._length + key_states.size(-2)
        self._keys[:, :, start : self._length] = key_states
        self._values[:, :, start : self._length] = value_states
        return self._show()

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows."""
        self._keys, self._values = self._keys[indices], self._values[indices]
        self._show()

    def _show(self) -> tuple[Tensor, Tensor]:
        self.keys, self.values = self._keys[:, :, : self._length], self._values[:, :, : self._length]
        return self.keys, self.values


def make_roomy(cache: DynamicCache, owner_N: Tensor, room: int) -> None:
    """Give each completion its own copy of its prompt's keys and values, with room for `room` more tokens.

    Layers of another kind (sliding windows, states) are copied as they are.
    """
    for index in range(len(cache.layers)):
        layer: Any = cache.layers[index]
        layer.batch_select_indices(owner_N)
        if type(cache.layers[index]) is DynamicLayer:
            cache.layers[index] = RoomyLayer(layer.keys, layer.values, room)


def can_merge(cache: DynamicCache) -> bool:
    """Whether new completions can come in beside those that are being written."""
    return all(type(layer) is RoomyLayer for layer in cache.layers)


def merge(cache: DynamicCache, fresh: DynamicCache, owner_N: Tensor, *, used: int, room: int) -> None:
    """Put new completions' copies of their prompts below those in `cache`, all ending at the same place.

    Of what is in `cache` the last `used` places are kept; there is room for `room` more tokens behind.
    """
    for index in range(len(cache.layers)):
        old: Any = cache.layers[index]
        new: Any = fresh.layers[index]
        parts = []
        for upper, lower in ((old.keys, new.keys), (old.values, new.values)):
            parts.append(_stacked(upper[:, :, -used:], lower[owner_N]))
        cache.layers[index] = RoomyLayer(parts[0], parts[1], room)


def _stacked(upper: Tensor, lower: Tensor) -> Tensor:
    length = max(upper.size(2), lower.size(2))
    return torch.cat([pad(states, (0, 0, length - states.size(2), 0)) for states in (upper, lower)])


def _with_room(states: Tensor, room: int) -> Tensor:
    rows, heads, length, width = states.shape
    buffer = torch.zeros((rows, heads, length + room, width), dtype=states.dtype, device=states.device)
    buffer[:, :, :length] = states
    return buffer
