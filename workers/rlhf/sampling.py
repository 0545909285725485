"""Write completions: a prompt is read once for its K completions, finished ones leave the batch.

Each completion has a seed and draws from a generator of its own, so its text depends on nothing beside it but
rounding: the same batch gives the same bits, another batch the same log-probabilities within 1e-4.

Shapes: B = prompts, N = completions, T = tokens, V = vocabulary, d = width. Masks are True on real tokens.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor
from transformers import DynamicCache

from workers.rlhf.cache import make_roomy
from workers.rlhf.data import BadDataError, pad_left
from workers.rlhf.models import Role
from workers.rlhf.prefix import behind, prompt_positions, shares_prefix

FINISHED_SHARE: Final = 0.25
NUCLEUS_GUESS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to choose tokens. Temperature 0 takes the likeliest one."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int


@dataclass(slots=True)
class Completion:
    """One written completion; `ids` ends with the stop token if the model ended it itself.

    Log-probabilities and entropies (nats) are those of the model's whole distribution at the sampling temperature.
    """

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stopped: bool = False


ValueOf = Callable[[Tensor], Tensor]
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
    value_of: ValueOf | None = None,
    on_finished: OnFinished | None = None,
) -> list[Completion]:
    """Write one completion for each entry of `owner` (places into `prompts`), in that order.

    `value_of` maps states [N, d] to values [N], read before each token. `on_finished` hears of each completion
    as soon as it ends. A model without a position for another token ends there, as if it were cut.

    Raises:
        BadDataError: a prompt leaves no room for a single token.
    """
    kind = _Rows if shares_prefix(role.model.backbone) else _RowsReadAnew
    rows = kind(role, len(owner), seeds, plan)
    role.model.activate(role.adapter)
    rows.make_room(max(map(len, prompts)))
    hidden_Nd = rows.read_prompts(prompts, owner)
    while True:
        rows.choose(hidden_Nd, value_of)
        rows.leave(on_finished)
        if not rows.live:
            return rows.completions
        hidden_Nd = rows.advance()


class _Rows:
    """The completions being written: their cache, and where in it the living ones are."""

    def __init__(self, role: Role, count: int, seeds: Sequence[int], plan: Sampling) -> None:
        self.model = role.model
        self.adapter = role.adapter
        self.plan = plan
        self.room = plan.max_new_tokens
        self.completions = [Completion() for _ in range(count)]
        self.uniforms_NT = torch.stack([_uniforms(seed, plan.max_new_tokens) for seed in seeds]).to(role.model.device)
        self.rows = list(range(count))
        self.live = set(self.rows)
        self.cache: Any = DynamicCache()
        self.mask_NT = torch.empty(0)
        self.position_N = torch.empty(0)
        self.token_N = torch.empty(0)
        self.ids_NT = torch.empty(0)

    def make_room(self, longest_prompt: int) -> None:
        """Let completions be no longer than the model has positions for, behind its virtual tokens and the prompt."""
        virtual = self.model.virtual.get(self.adapter or "")
        self.room = min(self.room, self.model.longest - longest_prompt - (virtual.count if virtual else 0))
        if self.room < 1:
            raise BadDataError(
                f"a prompt of {longest_prompt} tokens leaves no room: this model reads at most {self.model.longest}"
            )

    def read_prompts(self, prompts: Sequence[Sequence[int]], owner: Sequence[int]) -> Tensor:
        """States [N, d] after each completion's prompt; every prompt runs once."""
        device = self.model.device
        prompt_BT, mask_BT = (tensor.to(device) for tensor in pad_left(prompts, self.model.chat.pad_id))
        owner_N = torch.tensor(list(owner), device=device)
        start = self.model.start(self.adapter, len(prompt_BT))
        kept = 0 if start is None else start.get_seq_length()
        self.cache = self.cache if start is None else start
        mask_BT = behind(kept, mask_BT)
        hidden_BTd = self._run(prompt_BT, mask_BT, prompt_positions(mask_BT)[:, kept:])
        make_roomy(self.cache, owner_N, self.room)
        self.mask_NT = mask_BT[owner_N]
        self.position_N = mask_BT.sum(dim=1)[owner_N]
        return hidden_BTd[:, -1][owner_N]

    def choose(self, hidden_Nd: Tensor, value_of: ValueOf | None) -> None:
        """Draw the next token of every row and write it down."""
        step = len(self.completions[next(iter(self.live))].ids)
        logits_NV = self.model.vocabulary_head(hidden_Nd).float()
        logprob_NV = torch.log_softmax(logits_NV / (self.plan.temperature or 1.0), dim=-1)
        self.token_N = draw(logprob_NV, self.uniforms_NT[self.rows, step], self.plan)
        notes = [
            self.token_N,
            logprob_NV.gather(1, self.token_N[:, None])[:, 0],
            -(logprob_NV.exp() * logprob_NV).sum(dim=-1),
            value_of(hidden_Nd) if value_of else torch.zeros(len(self.rows)),
        ]
        for row, token, logprob, entropy, value in zip(self.rows, *(note.tolist() for note in notes), strict=True):
            if row in self.live:
                completion = self.completions[row]
                completion.ids.append(token)
                completion.logprobs.append(logprob)
                completion.entropies.append(entropy)
                completion.values.append(value)

    def leave(self, on_finished: OnFinished | None) -> None:
        """Let finished rows go, and shrink the batch when enough of them have."""
        for row in [row for row in self.rows if row in self.live]:
            completion = self.completions[row]
            completion.stopped = completion.ids[-1] == self.model.chat.stop_id
            if completion.stopped or len(completion.ids) == self.room:
                self.live.remove(row)
                if on_finished:
                    on_finished(row, completion)
        if self.live and len(self.rows) - len(self.live) >= FINISHED_SHARE * len(self.rows):
            self._keep([place for place, row in enumerate(self.rows) if row in self.live])

    def advance(self) -> Tensor:
        """Feed the chosen tokens and return the states [N, d] after them."""
        self.mask_NT = torch.cat([self.mask_NT, torch.ones_like(self.mask_NT[:, :1])], dim=1)
        hidden_N1d = self._run(self.token_N[:, None], self.mask_NT, self.position_N[:, None])
        self.position_N = self.position_N + 1
        return hidden_N1d[:, 0]

    def _run(self, ids_NT: Tensor, mask_NT: Tensor, position_NT: Tensor) -> Tensor:
        states: Tensor = self.model.backbone(
            input_ids=ids_NT,
            attention_mask=mask_NT.long(),
            position_ids=position_NT,
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state
        return states

    def _keep(self, places: list[int]) -> None:
        self.rows = [self.rows[place] for place in places]
        place_N = torch.tensor(places, device=self.model.device)
        self.cache.batch_select_indices(place_N)
        self.mask_NT, self.position_N = self.mask_NT[place_N], self.position_N[place_N]
        self.token_N = self.token_N[place_N]


class _RowsReadAnew(_Rows):
    """The same for a model that keeps no plain keys and values: all there is, is read again before every token."""

    def read_prompts(self, prompts: Sequence[Sequence[int]], owner: Sequence[int]) -> Tensor:
        """States [N, d] after each completion's prompt, of which every completion has a copy."""
        prompt_BT, mask_BT = (tensor.to(self.model.device) for tensor in pad_left(prompts, self.model.chat.pad_id))
        owner_N = torch.tensor(list(owner), device=self.model.device)
        self.ids_NT, self.mask_NT = prompt_BT[owner_N], mask_BT[owner_N]
        self.position_N = self.mask_NT.sum(dim=1)
        return self._read()

    def advance(self) -> Tensor:
        """Read everything with the chosen tokens behind it, and return the states [N, d] after them."""
        self.ids_NT = torch.cat([self.ids_NT, self.token_N[:, None]], dim=1)
        self.mask_NT = torch.cat([self.mask_NT, torch.ones_like(self.mask_NT[:, :1])], dim=1)
        return self._read()

    def _read(self) -> Tensor:
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


def draw(logprob_NV: Tensor, uniform_N: Tensor, plan: Sampling) -> Tensor:
    """Tokens [N] by inverting the cumulative distribution at one uniform number a row."""
    if plan.temperature == 0:
        return logprob_NV.argmax(dim=-1)
    prob_NV = logprob_NV.exp()
    if plan.top_p >= 1:
        return _invert(prob_NV, uniform_N)
    prob_NK, token_NK = nucleus(prob_NV, plan.top_p)
    return token_NK.gather(1, _invert(prob_NK, uniform_N)[:, None])[:, 0]


def nucleus(prob_NV: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The smallest sets of likeliest tokens that hold `top_p` of each row: probabilities (0 outside) and tokens."""
    size = prob_NV.size(1)
    prob_NK, token_NK = prob_NV.topk(min(NUCLEUS_GUESS, size), dim=1)
    if bool((prob_NK.sum(dim=1) < top_p).any()):
        prob_NK, token_NK = prob_NV.topk(size, dim=1)
    before_NK = prob_NK.cumsum(dim=1) - prob_NK
    return prob_NK * (before_NK < top_p), token_NK


def _invert(prob_NV: Tensor, uniform_N: Tensor) -> Tensor:
    # In fp64: fifty thousand fp32 additions would move the borders between rare tokens.
    sum_NV = prob_NV.double().cumsum(dim=1)
    return torch.searchsorted(sum_NV, uniform_N[:, None] * sum_NV[:, -1:], right=True)[:, 0].clamp(
        max=prob_NV.size(1) - 1
    )


def _uniforms(seed: int, count: int) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
