"""Completions being written side by side: their cache, who leaves it, and who takes the place.

Shapes: B = prompts, N = completions, T = tokens, V = vocabulary, d = width. Masks are True on real tokens.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor
from transformers import DynamicCache

from workers.rlhf.cache import can_merge, make_roomy, merge
from workers.rlhf.data import BadDataError, pad_left
from workers.rlhf.drawing import Sampling, draw, penalty, uniforms
from workers.rlhf.models import Role
from workers.rlhf.prefix import behind, prompt_positions

# The batch is rearranged when this share of it is done: each time copies what is kept.
FINISHED_SHARE: Final = 0.25
# A token can end in the middle of a character; so many more are looked at when a stop string is looked for.
MORE_TOKENS: Final = 8


@dataclass(slots=True)
class Completion:
    """One written completion; `ids` ends with the stop token if the model ended it itself.

    Log-probabilities and entropies (nats) are those of the model's whole distribution at the sampling temperature.
    `stop_string` is what ended it instead, and is still in `ids`.
    """

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stopped: bool = False
    stop_string: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it has an end of its own, and was not cut."""
        return self.stopped or self.stop_string is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be written: a completion for each entry of `owner` (places into `prompts`), each with its seed."""

    prompts: Sequence[Sequence[int]]
    owner: Sequence[int]
    seeds: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearers:
    """Who reads values from states [N, d] before each token, and who hears of each token and each ended completion."""

    value_of: Callable[[Tensor], Tensor] | None = None
    on_token: Callable[[int, int], None] | None = None
    on_finished: Callable[[int, Completion], None] | None = None


class Rows:
    """The completions that are being written, and a queue of those that are not yet."""

    def __init__(self, role: Role, wanted: Wanted, plan: Sampling, width: int) -> None:
        self.model = role.model
        self.adapter = role.adapter
        self.wanted = wanted
        self.plan = plan
        self.width = width
        self.room = self._room()
        self.completions = [Completion() for _ in wanted.owner]
        self.uniforms_NT = torch.stack([uniforms(seed, plan.max_new_tokens) for seed in wanted.seeds]).to(
            role.model.device
        )
        self.queue = deque(in_line(wanted, width))
        self.rows: list[int] = []
        self.live: set[int] = set()
        self.cache: Any = DynamicCache()
        self.mask_NT = torch.empty(0)
        self.position_N = torch.empty(0)
        self.token_N = torch.empty(0)
        self.count_NV: Tensor | None = None

    def start(self) -> Tensor:
        """Take the next rows of the queue into an empty batch: states [N, d] after their prompts."""
        fresh = self._next(self.width)
        self.rows, self.live = fresh, set(fresh)
        if self.plan.counts_tokens:
            self.count_NV = self._no_tokens(len(fresh))
        return self.read_prompts(fresh)

    def choose(self, hidden_Nd: Tensor, hearers: Hearers) -> None:
        """Draw the next token of every row and write it down."""
        logits_NV = self.model.vocabulary_head(hidden_Nd).float()
        temperature = self.plan.temperature or 1.0
        logprob_NV = torch.log_softmax(logits_NV / temperature, dim=-1)
        drawn_NV = logprob_NV
        if self.count_NV is not None:
            drawn_NV = torch.log_softmax((logits_NV - penalty(self.count_NV, self.plan)) / temperature, dim=-1)
        # A row that has ended stays in the batch for a while; what it draws is not written down.
        step_N = [min(len(self.completions[row].ids), self.room - 1) for row in self.rows]
        self.token_N = draw(drawn_NV, self.uniforms_NT[self.rows, step_N], self.plan)
        if self.count_NV is not None:
            self.count_NV.scatter_add_(1, self.token_N[:, None], torch.ones_like(self.count_NV[:, :1]))
        notes = [
            self.token_N,
            logprob_NV.gather(1, self.token_N[:, None])[:, 0],
            -(logprob_NV.exp() * logprob_NV).sum(dim=-1),
            hearers.value_of(hidden_Nd) if hearers.value_of else torch.zeros(len(self.rows)),
        ]
        for row, *noted in zip(self.rows, *(note.tolist() for note in notes), strict=True):
            if row in self.live:
                self._write_down(row, *noted)
                if hearers.on_token:
                    hearers.on_token(row, noted[0])

    def leave(self, hearers: Hearers) -> None:
        """Let finished rows go, and shrink the batch when enough of them have."""
        for row in [row for row in self.rows if row in self.live]:
            completion = self.completions[row]
            completion.stopped = completion.ids[-1] == self.model.chat.stop_id
            completion.stop_string = self._stop_string(completion)
            if completion.stopped or completion.stop_string or len(completion.ids) == self.room:
                self.live.remove(row)
                if hearers.on_finished:
                    hearers.on_finished(row, completion)
        if self.live and len(self.rows) - len(self.live) >= FINISHED_SHARE * len(self.rows):
            self._keep([place for place, row in enumerate(self.rows) if row in self.live])

    def go_on(self) -> Tensor:
        """States [N, d] from which the next tokens are chosen, with new rows in the places of those that left."""
        if not self.live:
            return self.start()
        hidden_Nd = self.advance()
        vacant = self.width - len(self.rows)
        if not self.queue or not self.can_be_joined() or vacant < FINISHED_SHARE * self.width:
            return hidden_Nd
        return torch.cat([hidden_Nd, self.join(self._next(vacant))])

    def read_prompts(self, fresh: Sequence[int]) -> Tensor:
        """States [N, d] after the prompts of some rows in an empty batch; every prompt runs once."""
        self.cache, self.mask_NT, owner_N, hidden_Bd = self._read(fresh)
        make_roomy(self.cache, owner_N, self.room)
        self.position_N = self.mask_NT.sum(dim=1)[owner_N]
        self.mask_NT = self.mask_NT[owner_N]
        return hidden_Bd[owner_N]

    def join(self, fresh: Sequence[int]) -> Tensor:
        """The same in a batch that is being written: the new prompts' keys and values end where the others' do."""
        cache, mask_BT, owner_N, hidden_Bd = self._read(fresh)
        used = int(self.mask_NT.any(dim=0).sum())
        merge(self.cache, cache, owner_N, used=used, room=self.room)
        self.mask_NT = side_by_side(self.mask_NT[:, -used:], mask_BT[owner_N])
        self.position_N = torch.cat([self.position_N, mask_BT.sum(dim=1)[owner_N]])
        self.token_N = torch.cat([self.token_N, torch.zeros_like(owner_N)])
        if self.count_NV is not None:
            self.count_NV = torch.cat([self.count_NV, self._no_tokens(len(fresh))])
        self.rows = [*self.rows, *fresh]
        self.live |= set(fresh)
        return hidden_Bd[owner_N]

    def can_be_joined(self) -> bool:
        """Whether new rows can come into a batch that is being written; virtual tokens must come first in it."""
        return self.adapter not in self.model.virtual and can_merge(self.cache)

    def advance(self) -> Tensor:
        """Feed the chosen tokens and return the states [N, d] after them."""
        self.mask_NT = torch.cat([self.mask_NT, torch.ones_like(self.mask_NT[:, :1])], dim=1)
        hidden_N1d = self._run(self.token_N[:, None], self.mask_NT, self.position_N[:, None], self.cache)
        # A row that has ended may stay while others go on; the model has no positions for what it would say.
        self.position_N = (self.position_N + 1).clamp(max=self.model.longest - 1)
        return hidden_N1d[:, 0]

    def _room(self) -> int:
        """Completions are no longer than the model has positions for, behind its virtual tokens and the prompt."""
        virtual = self.model.virtual.get(self.adapter or "")
        longest = max(map(len, self.wanted.prompts))
        room = min(self.plan.max_new_tokens, self.model.longest - longest - (virtual.count if virtual else 0))
        if room < 1:
            raise BadDataError(
                f"a prompt of {longest} tokens leaves no room: this model reads at most {self.model.longest}"
            )
        return room

    def _next(self, count: int) -> list[int]:
        return [self.queue.popleft() for _ in range(min(count, len(self.queue)))]

    def _no_tokens(self, rows: int) -> Tensor:
        return torch.zeros(rows, self.model.vocabulary_head.out_features, device=self.model.device)

    def _write_down(self, row: int, token: int, logprob: float, entropy: float, value: float) -> None:
        completion = self.completions[row]
        completion.ids.append(token)
        completion.logprobs.append(logprob)
        completion.entropies.append(entropy)
        completion.values.append(value)

    def _stop_string(self, completion: Completion) -> str | None:
        if not self.plan.stop_strings:
            return None
        longest = max(len(text.encode()) for text in self.plan.stop_strings)
        tail = self.model.chat.text(completion.ids[-longest - MORE_TOKENS :])
        # One token can bring several: the first in the text ends it.
        found = [(tail.find(text), text) for text in self.plan.stop_strings if text in tail]
        return min(found)[1] if found else None

    def _read(self, fresh: Sequence[int]) -> tuple[Any, Tensor, Tensor, Tensor]:
        """Cache, mask [B, T] and last states [B, d] of the prompts of some rows, and whose row is whose."""
        device = self.model.device
        prompts = list(dict.fromkeys(self.wanted.owner[row] for row in fresh))
        place = {prompt: number for number, prompt in enumerate(prompts)}
        owner_N = torch.tensor([place[self.wanted.owner[row]] for row in fresh], device=device)
        ids = [self.wanted.prompts[prompt] for prompt in prompts]
        prompt_BT, mask_BT = (tensor.to(device) for tensor in pad_left(ids, self.model.chat.pad_id))
        start = self.model.start(self.adapter, len(prompt_BT))
        kept = 0 if start is None else start.get_seq_length()
        cache = DynamicCache() if start is None else start
        mask_BT = behind(kept, mask_BT)
        hidden_BTd = self._run(prompt_BT, mask_BT, prompt_positions(mask_BT)[:, kept:], cache)
        return cache, mask_BT, owner_N, hidden_BTd[:, -1]

    def _run(self, ids_NT: Tensor, mask_NT: Tensor, position_NT: Tensor, cache: Any) -> Tensor:
        states: Tensor = self.model.backbone(
            input_ids=ids_NT,
            attention_mask=mask_NT.long(),
            position_ids=position_NT,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        return states

    def _keep(self, places: list[int]) -> None:
        self.rows = [self.rows[place] for place in places]
        place_N = torch.tensor(places, device=self.model.device)
        self.cache.batch_select_indices(place_N)
        self.mask_NT, self.position_N = self.mask_NT[place_N], self.position_N[place_N]
        self.token_N = self.token_N[place_N]
        if self.count_NV is not None:
            self.count_NV = self.count_NV[place_N]


class RowsReadAnew(Rows):
    """The same for a model that keeps no plain keys and values: all there is, is read again before every token."""

    ids_NT: Tensor

    def read_prompts(self, fresh: Sequence[int]) -> Tensor:
        """States [N, d] after each completion's prompt, of which every completion has a copy."""
        ids = [self.wanted.prompts[self.wanted.owner[row]] for row in fresh]
        self.ids_NT, self.mask_NT = (tensor.to(self.model.device) for tensor in pad_left(ids, self.model.chat.pad_id))
        self.position_N = self.mask_NT.sum(dim=1)
        return self._read_all()

    def can_be_joined(self) -> bool:
        """New rows wait until all have ended."""
        return False

    def advance(self) -> Tensor:
        """Read everything with the chosen tokens behind it, and return the states [N, d] after them."""
        self.ids_NT = torch.cat([self.ids_NT, self.token_N[:, None]], dim=1)
        self.mask_NT = torch.cat([self.mask_NT, torch.ones_like(self.mask_NT[:, :1])], dim=1)
        return self._read_all()

    def _read_all(self) -> Tensor:
        hidden_NTd: Tensor = self.model.backbone(
            input_ids=self.ids_NT,
            attention_mask=self.mask_NT.long(),
            position_ids=prompt_positions(self.mask_NT),
            use_cache=False,
        ).last_hidden_state
        return hidden_NTd[:, -1]

    def _keep(self, places: list[int]) -> None:
        super()._keep(places)
        self.ids_NT = self.ids_NT[torch.tensor(places, device=self.model.device)]


def in_line(wanted: Wanted, width: int) -> list[int]:
    """The order in which rows are written: as they are if all fit side by side, else like lengths together.

    The longest prompts come first; completions of one prompt stay together, so that it is read once.
    """
    rows = range(len(wanted.owner))
    if width >= len(rows):
        return list(rows)
    return sorted(rows, key=lambda row: (-len(wanted.prompts[wanted.owner[row]]), wanted.owner[row], row))


def side_by_side(upper_NT: Tensor, lower_NT: Tensor) -> Tensor:
    """Two masks as one, with their right edges together."""
    width = max(upper_NT.size(1), lower_NT.size(1))
    parts = [torch.nn.functional.pad(mask, (width - mask.size(1), 0)) for mask in (upper_NT, lower_NT)]
    return torch.cat(parts)
