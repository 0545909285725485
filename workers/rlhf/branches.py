"""Attention of prompts that lie end to end with their replies: each reply sees its prompt and itself.

What a tree mask lets through, block by block, and none of what it hides: all else in a layer reads one row of real
tokens, so that every weight is multiplied once.

Shapes: T = tokens of the row, H = heads, d = width of a head, P and R = tokens of a prompt and of a reply.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True, slots=True)
class Branches:
    """How long each prompt of a row is, and each of its replies, which lie behind it."""

    prompts: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each part, in the order of the row."""
        return [length for prompt, own in zip(self.prompts, self.replies, strict=True) for length in (prompt, *own)]


def branch_by_branch(
    query: Tensor, key: Tensor, value: Tensor, branches: Branches, *, scale: float | None, dropout: float
) -> Tensor:
    """Queries [1, H, T, d] to outputs [1, T, H, d]."""
    gqa = query.size(1) != key.size(1)
    parts = [
        scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=mask is None, scale=scale, dropout_p=dropout, enable_gqa=gqa
        )
        for q, k, v, mask in _reads(query, key, value, branches)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)


def _reads(
    query: Tensor, key: Tensor, value: Tensor, branches: Branches
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
    """Each part's queries, the keys and values before and in it, and its mask where causal does not say it."""
    parts: Iterator[tuple[Tensor, ...]] = zip(
        *(states.split(branches.lengths, dim=2) for states in (query, key, value)),  # type: ignore[no-untyped-call]
        strict=True,
    )
    masks: dict[tuple[int, int], Tensor] = {}
    for prompt, replies in zip(branches.prompts, branches.replies, strict=True):
        asked, prompt_key, prompt_value = next(parts)
        yield asked, prompt_key, prompt_value, None
        for reply in replies:
            said, own_key, own_value = next(parts)
            if (reply, prompt) not in masks:
                masks[reply, prompt] = _lower(reply, prompt, query)
            yield (
                said,
                torch.cat([prompt_key, own_key], dim=2),
                torch.cat([prompt_value, own_value], dim=2),
                masks[reply, prompt],
            )


def _lower(reply: int, prompt: int, query: Tensor) -> Tensor:
    """The mask [R, P + R] that shows a reply its prompt and, of itself, what came before."""
    return torch.ones(reply, prompt + reply, dtype=torch.bool, device=query.device).tril(prompt)


def branches_of(prompts: Sequence[int], replies: Sequence[int], owners: Sequence[int]) -> Branches:
    """The parts of a row by their lengths; `owners` says whose prompt's each reply is."""
    own: list[list[int]] = [[] for _ in prompts]
    for length, owner in zip(replies, owners, strict=True):
        own[owner].append(length)
    return Branches(tuple(prompts), tuple(map(tuple, own)))
