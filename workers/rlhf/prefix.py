"""A prompt and its K replies through a transformer, the prompt only once.

The prompt runs with gradient, its keys and values are handed to every reply, and attention is as if each reply had
followed its own copy of the prompt. Both ways are exact; `as_rows` is for models whose cache can't be shared. A third
way is in `tree`.

Shapes: B = prompts, P = prompt tokens (padded left), N = replies of all prompts, R = reply tokens (padded right),
d = width. Masks are True on real tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from workers.rlhf.data import pad_left, pad_right


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogues:
    """Prompts with their replies; `owner_N` says which prompt each reply belongs to.

    `prompt` and `reply` are token ids ([B, P], [N, R]) or the hidden states of a frozen trunk ([B, P, d], [N, R, d]).
    """

    prompt: Tensor
    prompt_mask_BP: Tensor
    owner_N: Tensor
    reply: Tensor
    reply_mask_NR: Tensor

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        return type(self)(
            prompt=self.prompt.to(device),
            prompt_mask_BP=self.prompt_mask_BP.to(device),
            owner_N=self.owner_N.to(device),
            reply=self.reply.to(device),
            reply_mask_NR=self.reply_mask_NR.to(device),
        )

    def with_states(self, states: "States") -> Self:
        """The same dialogues, read by a frozen trunk already."""
        return replace(self, prompt=states.prompt_BPd, reply=states.reply_NRd)


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states at every prompt and reply token."""

    prompt_BPd: Tensor
    reply_NRd: Tensor

    def before(self, owner_N: Tensor) -> Tensor:
        """States [N, R, d] from which each reply token is predicted: the prompt's last, then the reply's own."""
        return torch.cat([self.prompt_BPd[owner_N, -1:], self.reply_NRd[:, :-1]], dim=1)

    def last(self, reply_mask_NR: Tensor) -> Tensor:
        """States [N, d] at each reply's last real token, found by length."""
        last_N = reply_mask_NR.sum(dim=1) - 1
        return self.reply_NRd[torch.arange(len(last_N), device=last_N.device), last_N]

    def mean(self, reply_mask_NR: Tensor) -> Tensor:
        """Mean [N, d] of the states at each reply's real tokens, in fp32; what stands in the padding is never read."""
        real_NR1 = reply_mask_NR[..., None]
        return self.reply_NRd.float().masked_fill(~real_NR1, 0.0).sum(dim=1) / real_NR1.sum(dim=1)


def dialogues(prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[Sequence[int]]], pad_id: int) -> Dialogues:
    """Pad prompts and their replies (one list of replies a prompt) into one batch."""
    prompt_BP, prompt_mask_BP = pad_left(prompts, pad_id)
    reply_NR, reply_mask_NR = pad_right([row for rows in replies for row in rows], pad_id)
    owner_N = torch.tensor([index for index, rows in enumerate(replies) for _ in rows])
    return Dialogues(
        prompt=prompt_BP, prompt_mask_BP=prompt_mask_BP, owner_N=owner_N, reply=reply_NR, reply_mask_NR=reply_mask_NR
    )


def take(batch: Dialogues, prompts: Sequence[int]) -> tuple[Dialogues, Tensor]:
    """Some prompts with their replies, without the padding that only others needed; and the replies' places."""
    chosen_B = torch.tensor(list(prompts), device=batch.owner_N.device)
    row_N = torch.cat([(batch.owner_N == prompt).nonzero()[:, 0] for prompt in prompts])
    start = batch.prompt_mask_BP.size(1) - int(batch.prompt_mask_BP[chosen_B].sum(dim=1).max())
    stop = int(batch.reply_mask_NR[row_N].sum(dim=1).max())
    part = Dialogues(
        prompt=batch.prompt[chosen_B, start:],
        prompt_mask_BP=batch.prompt_mask_BP[chosen_B, start:],
        owner_N=(batch.owner_N[row_N][:, None] == chosen_B[None, :]).long().argmax(dim=1),
        reply=batch.reply[row_N, :stop],
        reply_mask_NR=batch.reply_mask_NR[row_N, :stop],
    )
    return part, row_N


def join(batches: Sequence[Dialogues]) -> Dialogues:
    """Several batches as one, padded to the widest; ids or states alike."""
    sizes = [len(batch.prompt) for batch in batches]
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return Dialogues(
        prompt=_stack([batch.prompt for batch in batches], left=True),
        prompt_mask_BP=_stack([batch.prompt_mask_BP for batch in batches], left=True),
        owner_N=torch.cat([batch.owner_N + start for batch, start in zip(batches, starts, strict=True)]),
        reply=_stack([batch.reply for batch in batches], left=False),
        reply_mask_NR=_stack([batch.reply_mask_NR for batch in batches], left=False),
    )


def shares_prefix(backbone: nn.Module) -> bool:
    """Whether the model keeps plain keys and values, one entry a token and layer."""
    if "past_key_values" not in signature(backbone.forward).parameters:
        return False
    config: Any = backbone.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds == {"full_attention"} and not getattr(config, "is_encoder_decoder", False)


def shared(backbone: nn.Module, batch: Dialogues, start: DynamicCache | None = None) -> States:
    """Run each prompt once, then its replies on top of the prompt's keys and values."""
    kept = 0 if start is None else start.get_seq_length()
    before = backbone(
        **as_input(batch.prompt),
        attention_mask=behind(kept, batch.prompt_mask_BP).long(),
        position_ids=prompt_positions(batch.prompt_mask_BP) + kept,
        past_key_values=DynamicCache() if start is None else start,
        use_cache=True,
    )
    cache = before.past_key_values
    cache.batch_select_indices(batch.owner_N)
    after = backbone(
        **as_input(batch.reply),
        attention_mask=behind(kept, _row_mask(batch)).long(),
        position_ids=reply_positions(batch) + kept,
        past_key_values=cache,
        use_cache=True,
    )
    return States(before.last_hidden_state, after.last_hidden_state)


def as_rows(backbone: nn.Module, batch: Dialogues) -> States:
    """Run every reply behind its own copy of the prompt."""
    width = batch.prompt.size(1)
    hidden_NTd = backbone(
        **as_input(torch.cat([batch.prompt[batch.owner_N], batch.reply], dim=1)),
        attention_mask=_row_mask(batch).long(),
        position_ids=torch.cat([prompt_positions(batch.prompt_mask_BP)[batch.owner_N], reply_positions(batch)], dim=1),
        use_cache=False,
    ).last_hidden_state
    prompt_B = torch.arange(len(batch.prompt), device=batch.owner_N.device)
    first_B = (batch.owner_N == prompt_B[:, None]).int().argmax(dim=1)
    return States(hidden_NTd[first_B, :width], hidden_NTd[:, width:])


def behind(kept: int, mask_BT: Tensor) -> Tensor:
    """The mask [B, kept + T] of rows behind so many virtual tokens."""
    return torch.cat([mask_BT.new_ones(len(mask_BT), kept), mask_BT], dim=1) if kept else mask_BT


def prompt_positions(mask_BP: Tensor) -> Tensor:
    """Positions [B, P] counted over real tokens, so that padding on the left moves nothing."""
    return (mask_BP.long().cumsum(dim=1) - 1).clamp(min=0)


def reply_positions(batch: Dialogues) -> Tensor:
    """Positions [N, R] that go on where each reply's prompt ended."""
    start_N = batch.prompt_mask_BP.long().sum(dim=1)[batch.owner_N]
    return start_N[:, None] + torch.arange(batch.reply.size(1), device=start_N.device)


def as_input(tokens_or_states: Tensor) -> dict[str, Tensor]:
    """A model's argument for token ids, or for the states of a frozen trunk."""
    return {"inputs_embeds" if tokens_or_states.is_floating_point() else "input_ids": tokens_or_states}


def _stack(parts: Sequence[Tensor], *, left: bool) -> Tensor:
    width = max(part.size(1) for part in parts)
    whole = parts[0].new_zeros((sum(len(part) for part in parts), width, *parts[0].shape[2:]))
    start = 0
    for part in parts:
        place = slice(width - part.size(1), width) if left else slice(0, part.size(1))
        whole[start : start + len(part), place] = part
        start += len(part)
    return whole


def _row_mask(batch: Dialogues) -> Tensor:
    return torch.cat([batch.prompt_mask_BP[batch.owner_N], batch.reply_mask_NR], dim=1)
