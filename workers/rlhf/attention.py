"""Attention of texts that lie end to end: each sees itself alone, and virtual tokens before all of them; or of
prompts that lie end to end with their replies.

Shapes: T = tokens of all texts, H = heads, d = width of a head, K = kept keys of virtual tokens before the texts.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from workers.rlhf.branches import Branches, branch_by_branch

NAME: Final = "end_to_end"
# In these families nothing but attention mixes tokens, attention takes any function, and positions are given.
PACKABLE: Final = frozenset({"GPT2Model", "LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model"})
HALF: Final = frozenset({torch.bfloat16, torch.float16})
# With a mask of four dimensions the models build none of their own; this one says nothing and is not read.
NO_MASK: Final = torch.ones(1, 1, 1, 1, dtype=torch.bool)


def packable(backbone: Any) -> bool:
    """Whether texts can lie end to end in this model's rows."""
    config = backbone.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return type(backbone).__name__ in PACKABLE and kinds == {"full_attention"} and _unlimited(config)


def _unlimited(config: Any) -> bool:
    return getattr(config, "sliding_window", None) is None or getattr(config, "use_sliding_window", True) is False


@contextmanager
def end_to_end_attention(backbone: Any) -> Iterator[None]:
    """Let a model read rows of texts end to end; other rows are read as ever.

    The backward pass belongs inside where layers are worked out a second time in it.
    """
    before = backbone.config._attn_implementation  # noqa: SLF001 -- the one place where transformers keeps the choice
    backbone.config._attn_implementation = NAME  # noqa: SLF001
    try:
        yield
    finally:
        backbone.config._attn_implementation = before  # noqa: SLF001


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    lengths: Sequence[int] | None = None,
    branches: Branches | None = None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """The attention function of transformers: queries [N, H, T, d] to outputs [N, T, H, d].

    With `lengths`, the row holds texts of so many tokens each; with `branches`, prompts with their replies.
    """
    if lengths is None and branches is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    scale, dropout = settings.get("scaling"), float(settings.get("dropout") or 0.0)
    if branches is not None:
        return branch_by_branch(query, key, value, branches, scale=scale, dropout=dropout), None
    assert lengths is not None  # noqa: S101 -- one of the two is given
    if query.is_cuda and product_dtype(value) in HALF and dropout == 0:
        return by_kernel(query, key, value, lengths, scale), None
    return text_by_text(query, key, value, lengths, scale=scale, dropout=dropout), None


def product_dtype(states: Tensor) -> torch.dtype:
    """The type in which these states are multiplied: autocast's where it is on, else their own."""
    kind = states.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype


def text_by_text(
    query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int], *, scale: float | None, dropout: float
) -> Tensor:
    """Causal attention inside each text: the blocks of a block-diagonal mask, and nothing outside of them."""
    kept, gqa = key.size(2) - query.size(2), query.size(1) != key.size(1)
    queries = query.split(list(lengths), dim=2)  # type: ignore[no-untyped-call]
    keys, values = (_behind_kept(states, kept, lengths) for states in (key, value))
    parts = [
        scaled_dot_product_attention(
            q, k, v, attn_mask=_lower(q, kept), is_causal=kept == 0, scale=scale, dropout_p=dropout, enable_gqa=gqa
        )
        for q, k, v in zip(queries, keys, values, strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)


def by_kernel(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int], scale: float | None) -> Tensor:
    """The same on a GPU, for all texts in one kernel."""
    kept, groups = key.size(2) - query.size(2), query.size(1) // key.size(1)
    parts = (repeat_kv(torch.cat(_behind_kept(states, kept, lengths), dim=2), groups) for states in (key, value))
    dtype = product_dtype(value)
    q_THd, k_THd, v_THd = (states[0].transpose(0, 1).to(dtype).contiguous() for states in (query, *parts))
    of_queries, of_keys = (_borders(lengths, more, query.device) for more in (0, kept))
    longest = max(lengths)
    out_THd = varlen_attn(
        q_THd, k_THd, v_THd, of_queries, of_keys, longest, longest + kept, scale=scale, window_size=(-1, 0)
    )
    assert isinstance(out_THd, Tensor)  # noqa: S101 -- it is a pair only where the softmax sums are asked for
    return out_THd[None]


def _behind_kept(states: Tensor, kept: int, lengths: Sequence[int]) -> list[Tensor]:
    """Each text's keys or values, behind those that all texts see."""
    parts: list[Tensor] = list(states[:, :, kept:].split(list(lengths), dim=2))  # type: ignore[no-untyped-call]
    return [torch.cat([states[:, :, :kept], part], dim=2) for part in parts] if kept else parts


def _lower(query: Tensor, kept: int) -> Tensor | None:
    if kept == 0:
        return None
    size = query.size(2)
    return torch.ones(size, kept + size, dtype=torch.bool, device=query.device).tril(kept)


def _borders(lengths: Sequence[int], kept: int, device: torch.device) -> Tensor:
    sizes = torch.tensor([0, *(length + kept for length in lengths)], dtype=torch.int32, device=device)
    return sizes.cumsum(0, dtype=torch.int32)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
