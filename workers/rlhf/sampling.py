"""Write completions: a prompt is read once for its K completions, finished ones leave, waiting ones take their place.

Each completion has a seed and draws from a generator of its own, so its text depends on nothing beside it but
rounding: the same batch gives the same bits, another batch the same log-probabilities within 1e-4.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from workers.rlhf.data import Chat
from workers.rlhf.drawing import Sampling, draw, nucleus
from workers.rlhf.models import Role
from workers.rlhf.prefix import shares_prefix
from workers.rlhf.sampling_rows import Completion, Hearers, Rows, RowsReadAnew, Wanted
from workers.rlhf.swift_layers import swift_layers

__all__ = ["Completion", "Sampling", "draw", "nucleus", "row_seed", "sample", "text_of"]

ValueOf = Callable[[Tensor], Tensor]
OnToken = Callable[[int, int], None]
OnFinished = Callable[[int, Completion], None]


def row_seed(*parts: int | str) -> int:
    """A seed of 63 bits from a run's seed, a prompt, a place: the same everywhere, unlike its neighbours."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@torch.no_grad()
def sample(
    role: Role,
    prompts: Sequence[Sequence[int]],
    owner: Sequence[int],
    seeds: Sequence[int],
    plan: Sampling,
    *,
    width: int | None = None,
    value_of: ValueOf | None = None,
    on_token: OnToken | None = None,
    on_finished: OnFinished | None = None,
) -> list[Completion]:
    """Write one completion for each entry of `owner` (places into `prompts`), in that order.

    At most `width` are written side by side (None: all); the others wait in a queue, like lengths together.
    `value_of` maps states [N, d] to values [N], read before each token. `on_token` hears of each token of each
    completion, `on_finished` of each completion, as soon as it is there. A model without a position for another token
    ends there, as if it were cut.

    Raises:
        BadDataError: a prompt leaves no room for a single token.
    """
    kind = Rows if shares_prefix(role.model.backbone) else RowsReadAnew
    hearers = Hearers(value_of=value_of, on_token=on_token, on_finished=on_finished)
    rows = kind(role, Wanted(prompts=prompts, owner=owner, seeds=seeds), plan, width or len(owner))
    role.model.activate(role.adapter)
    with swift_layers(role, rows.room):
        hidden_Nd = rows.start()
        while True:
            rows.choose(hidden_Nd, hearers)
            rows.leave(hearers)
            if not rows.live and not rows.queue:
                return rows.completions
            hidden_Nd = rows.go_on()


def text_of(chat: Chat, completion: Completion) -> str:
    """A completion as text, without the string that ended it and what came behind that."""
    text = chat.text(completion.ids)
    return text if completion.stop_string is None else text.partition(completion.stop_string)[0]
