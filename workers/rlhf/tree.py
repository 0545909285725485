"""A prompt and its K replies as one row [prompt | y1 | … | yK]: positions restart at each reply, a mask keeps replies
from seeing each other. Exact, and one forward over P + ΣR tokens. On a CPU all prompts lie in the same row where the
model can do with that, and nothing that the mask would hide is computed.

Shapes: B = prompts = rows, T = tokens of the longest row, others as in `prefix`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

from workers.rlhf.attention import NO_MASK, end_to_end_attention, packable
from workers.rlhf.branches import branches_of
from workers.rlhf.prefix import Dialogues, States, as_input

PADDING: Final = -1
PROMPT: Final = 0
FLEX: Final = "flex_attention"
# FlexAttention works in blocks of so many tokens, and is compiled anew for every other width.
BLOCK: Final = 128


@dataclass(frozen=True, slots=True)
class Tree:
    """Where each token of each row comes from, its position, and the part of the row that it belongs to.

    `source_BT` are places in all prompt tokens followed by all reply tokens; `segment_BT` is PROMPT, a number for each
    reply, or PADDING; `place` leads back from there, to a place in all tokens of all rows.
    """

    source_BT: Tensor
    position_BT: Tensor
    segment_BT: Tensor
    place: Tensor


def as_tree(backbone: nn.Module, batch: Dialogues) -> States:
    """Run each prompt with all its replies in one row."""
    if packable(backbone) and not takes_blocks(batch.prompt.device):
        return in_one_row(backbone, batch)
    tree = tree_of(batch, block=BLOCK if takes_blocks(batch.prompt.device) else 1)
    flat = torch.cat([batch.prompt.flatten(0, 1), batch.reply.flatten(0, 1)])
    with attention(backbone, batch.prompt.device):
        hidden_BTd = backbone(
            **as_input(flat[tree.source_BT]),
            attention_mask=tree_mask(tree.segment_BT, _dtype(backbone)),
            position_ids=tree.position_BT,
            use_cache=False,
        ).last_hidden_state
    return _parted(hidden_BTd.flatten(0, 1)[tree.place], batch)


def in_one_row(backbone: Any, batch: Dialogues) -> States:
    """Run all prompts with all their replies in the same row, without a mask and without padding."""
    tree = tree_of(batch)
    real_BT = tree.segment_BT != PADDING
    flat = torch.cat([batch.prompt.flatten(0, 1), batch.reply.flatten(0, 1)])
    branches = branches_of(
        batch.prompt_mask_BP.sum(dim=1).tolist(), batch.reply_mask_NR.sum(dim=1).tolist(), batch.owner_N.tolist()
    )
    with end_to_end_attention(backbone):
        hidden_Td = backbone(
            **as_input(flat[tree.source_BT[real_BT]][None]),
            attention_mask=NO_MASK,
            position_ids=tree.position_BT[real_BT][None],
            use_cache=False,
            branches=branches,
        ).last_hidden_state[0]
    column_BT = real_BT.flatten().cumsum(0) - 1
    return _parted(hidden_Td[column_BT[tree.place]], batch)


def tree_of(batch: Dialogues, *, block: int = 1) -> Tree:
    """Lay real tokens side by side, without the padding between them; rows are as wide as a multiple of `block`."""
    (row, column, segment, position), source = _tokens(batch)
    order = row.argsort(stable=True)
    row, segment, position, source = row[order], segment[order], position[order], source[order]
    length_B = row.bincount(minlength=len(batch.prompt))
    column = torch.arange(len(row), device=row.device) - (length_B.cumsum(0) - length_B)[row]
    shape = (len(batch.prompt), -(-int(length_B.max()) // block) * block)
    place = row.new_zeros(batch.prompt_mask_BP.numel() + batch.reply_mask_NR.numel())
    place[source] = row * shape[1] + column
    return Tree(
        source_BT=_placed(shape, (row, column), source, 0),
        position_BT=_placed(shape, (row, column), position, 0),
        segment_BT=_placed(shape, (row, column), segment, PADDING),
        place=place,
    )


def tree_mask(segment_BT: Tensor, dtype: torch.dtype) -> Tensor | BlockMask:
    """What each token may see: itself and what came before it in its own prompt and reply.

    Blocks for FlexAttention on a GPU, else one dense mask [B, 1, T, T] that is added to the attention's logits.
    """
    if takes_blocks(segment_BT.device):
        rows, width = segment_BT.shape
        return create_block_mask(_rule(segment_BT), rows, None, width, width, device=str(segment_BT.device))
    token_T = torch.arange(segment_BT.size(1), device=segment_BT.device)
    row_B = torch.arange(len(segment_BT), device=segment_BT.device)
    seen_BTT = _rule(segment_BT)(row_B[:, None, None], None, token_T[:, None], token_T)
    mask_BTT = torch.zeros(seen_BTT.shape, dtype=dtype, device=segment_BT.device)
    return mask_BTT.masked_fill_(~seen_BTT, torch.finfo(dtype).min)[:, None]


def takes_blocks(device: torch.device) -> bool:
    """Whether FlexAttention's kernels can be had here."""
    return device.type == "cuda"


@contextmanager
def attention(backbone: Any, device: torch.device) -> Iterator[None]:
    """Let a model read block masks where there are any."""
    before = backbone.config._attn_implementation  # noqa: SLF001 -- where transformers keeps the choice
    if takes_blocks(device):
        backbone.config._attn_implementation = FLEX  # noqa: SLF001
    try:
        yield
    finally:
        backbone.config._attn_implementation = before  # noqa: SLF001


def _rule(segment_BT: Tensor) -> Callable[[Any, Any, Any, Any], Tensor]:
    """The mask as a function of row, head, query and key: FlexAttention's form. Padding sees itself alone."""

    def sees(row: Tensor, _head: Any, query: Tensor, key: Tensor) -> Tensor:
        own, other = segment_BT[row, query], segment_BT[row, key]
        return (query >= key) & ((other == own) | ((other == PROMPT) & (own > PROMPT)))

    return sees


def _tokens(batch: Dialogues) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Row, column, segment and position of every real token, and its source: prompts first, then replies."""
    prompt_B, prompt_P = batch.prompt_mask_BP.nonzero(as_tuple=True)
    reply_N, reply_R = batch.reply_mask_NR.nonzero(as_tuple=True)
    length_B = batch.prompt_mask_BP.sum(dim=1)
    width, size = batch.prompt_mask_BP.size(1), batch.prompt_mask_BP.numel()
    owner = batch.owner_N[reply_N]
    return (
        torch.cat([prompt_B, owner]),
        torch.cat([prompt_P, reply_R]),
        torch.cat([torch.full_like(prompt_B, PROMPT), reply_N + 1]),
        torch.cat([prompt_P - (width - length_B[prompt_B]), length_B[owner] + reply_R]),
    ), torch.cat([prompt_B * width + prompt_P, size + reply_N * batch.reply_mask_NR.size(1) + reply_R])


def _parted(states: Tensor, batch: Dialogues) -> States:
    """States of all prompt tokens followed by all reply tokens, as they are padded in the batch."""
    width, size = states.size(-1), batch.prompt_mask_BP.numel()
    return States(
        states[:size].view(*batch.prompt_mask_BP.shape, width), states[size:].view(*batch.reply_mask_NR.shape, width)
    )


def _placed(shape: tuple[int, int], at: tuple[Tensor, Tensor], value: Tensor, blank: int) -> Tensor:
    whole = value.new_full(shape, blank)
    whole[at] = value
    return whole


def _dtype(backbone: nn.Module) -> torch.dtype:
    return next(backbone.parameters()).dtype
