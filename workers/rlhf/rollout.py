"""Act: the policy answers prompts, the answers are judged, every token gets its credit.

Shapes: B = prompts, N = completions of all prompts, R = reply tokens, M = real tokens, d = width.
Masks are True on real tokens. The stop token is the last action of a completion that ended by itself; one that was
cut has none, yet the reward model reads one behind it, because it has never seen a completion without.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.rlhf import advantages
from workers.rlhf.attention import HALF
from workers.rlhf.cast import Cast, ridge
from workers.rlhf.configs import PpoConfig
from workers.rlhf.logprobs import exact_kl, token_logprobs
from workers.rlhf.models import Role
from workers.rlhf.prefix import Dialogues, States, dialogues, join, take
from workers.rlhf.sampling import Completion, Sampling, row_seed, sample
from workers.rlhf.training import chunks


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as tokens."""

    prompt_id: int | str
    ids: list[int]
    text: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The policy's completions of some prompts, side by side; `lowered` holds each model's own view of them."""

    completions: list[Completion]
    batch: Dialogues
    lowered: dict[int, Dialogues]
    action_NR: Tensor
    stopped_N: Tensor

    def seen_by(self, role: Role) -> Dialogues:
        """The dialogues after the frozen layers of a role's model."""
        return self.lowered[id(role.model)]


@dataclass(frozen=True, slots=True)
class Part:
    """Some prompts' dialogues, and the places [N] of their completions among all answers."""

    batch: Dialogues
    row_N: Tensor

    def of(self, values_NR: Tensor) -> Tensor:
        """These completions' rows of a tensor over all answers, as wide as this part."""
        return values_NR[self.row_N, : self.batch.reply.size(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What happened and what it was worth; constant while the policy improves on it."""

    answers: Answers
    mask_NR: Tensor
    logprob_NR: Tensor
    kl_NR: Tensor
    entropy_NR: Tensor
    score_N: Tensor
    value_NR: Tensor
    advantage_NR: Tensor
    return_NR: Tensor


def answer(
    cast: Cast, questions: Sequence[Question], config: PpoConfig, *, count: int, seed: tuple[int, ...]
) -> Answers:
    """Let the policy write `count` completions of each question, from the very distribution that it learns in."""
    owner = [place for place in range(len(questions)) for _ in range(count)]
    seeds = [row_seed(*seed, questions[place].prompt_id, index) for index, place in enumerate(owner)]
    plan = Sampling(temperature=config.temperature, max_new_tokens=config.max_new_tokens)
    completions = sample(
        cast.policy, [question.ids for question in questions], owner, seeds, plan, value_of=cast.value_head
    )
    chat = cast.policy.model.chat
    rows = [done.ids if done.stopped else [*done.ids, chat.stop_id] for done in completions]
    replies = [list(group) for group in chunks(rows, count)]
    batch = dialogues([question.ids for question in questions], replies, chat.pad_id).to(cast.policy.model.device)
    length_N = torch.tensor([len(done.ids) for done in completions], device=batch.reply.device)
    action_NR = torch.arange(batch.reply.size(1), device=length_N.device) < length_N[:, None]
    stopped_N = torch.tensor([done.stopped for done in completions], device=length_N.device)
    return Answers(completions, batch, _lower_all(cast, batch, config), action_NR, stopped_N)


@torch.no_grad()
def judge(cast: Cast, answers: Answers, config: PpoConfig) -> Tensor:
    """The reward model's score [N] of each completion, read at its stop token."""
    batches = [part.batch for part in passes(cast.reward, answers, config)]
    return torch.cat([cast.score_head(cast.reward.states(batch).last(batch.reply_mask_NR)) for batch in batches])


@torch.no_grad()
def read_logprobs(role: Role, answers: Answers, config: PpoConfig) -> Tensor:
    """Log-probabilities [N, R] of the policy's tokens as a role reads them; 0 where there is no token."""
    logprob_NR = torch.zeros(answers.action_NR.shape, device=answers.action_NR.device)
    for part in passes(role, answers, config):
        rows_NR = action_logprobs(role, answers, part, role.states(part.batch), config.temperature)
        logprob_NR[part.row_N, : rows_NR.size(1)] = rows_NR
    return logprob_NR


def written_logprobs(cast: Cast, answers: Answers, config: PpoConfig) -> Tensor:
    """Log-probabilities [N, R] that the policy gave its tokens: as noted while it wrote them.

    In half precision writing (a token at a time) and reading (whole completions) round differently, by tenths of a nat
    on the worst token. There the policy reads what it wrote, in the passes in which the reference reads it too and in
    which the policy will learn: both start at the same numbers.
    """
    if rounds_apart(cast.policy):
        return read_logprobs(cast.policy, answers, config)
    return _padded([done.logprobs for done in answers.completions], answers.action_NR)


def rounds_apart(role: Role) -> bool:
    """Whether a role's numbers depend on the shape of the batch that they are worked out in by more than 1e-4."""
    return role.model.causal.dtype in HALF


@torch.no_grad()
def kl_to_reference(cast: Cast, answers: Answers, config: PpoConfig) -> Tensor:
    """Nats [N] between policy and reference: the exact KL of every next-token distribution, summed over tokens."""
    p_Md, q_Md = action_states(cast.policy, answers, config), action_states(cast.reference, answers, config)
    heads = cast.policy.model.vocabulary_head, cast.reference.model.vocabulary_head
    token_M = exact_kl(heads[0], p_Md, heads[1], q_Md, config.temperature)
    mask_NR = answers.action_NR
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M).sum(dim=1)


@torch.no_grad()
def action_states(role: Role, answers: Answers, config: PpoConfig) -> Tensor:
    """States [M, d] from which a role would choose each action, completion after completion."""
    parts = []
    for part in passes(role, answers, config):
        states_NRd = role.states(part.batch).before(part.batch.owner_N)
        parts.append(states_NRd[part.of(answers.action_NR)])
    return torch.cat(parts)


@torch.no_grad()
def credit(cast: Cast, answers: Answers, config: PpoConfig, *, kl_coefficient: float, fit_values: bool) -> Rollout:
    """Score the answers, charge for the distance from the reference, and estimate every token's advantage."""
    mask_NR = answers.action_NR
    logprob_NR = written_logprobs(cast, answers, config)
    kl_NR = (logprob_NR - read_logprobs(cast.reference, answers, config)) * mask_NR
    score_N = judge(cast, answers, config)
    reward_NR = advantages.shape_rewards(
        earned(score_N, answers, config), kl_NR, mask_NR, kl_coefficient=kl_coefficient
    )
    value_NR = _padded([done.values for done in answers.completions], mask_NR)
    if fit_values:
        value_NR = first_values(cast, answers, reward_NR, config)
    advantage_NR = advantages.estimate_advantages(
        reward_NR, value_NR, mask_NR, discount=config.discount, trace=config.trace
    )
    return Rollout(
        answers=answers,
        mask_NR=mask_NR,
        logprob_NR=logprob_NR,
        kl_NR=kl_NR,
        entropy_NR=_padded([done.entropies for done in answers.completions], mask_NR),
        score_N=score_N,
        value_NR=value_NR,
        advantage_NR=advantages.whiten(advantage_NR, mask_NR),
        return_NR=advantage_NR + value_NR,
    )


def earned(score_N: Tensor, answers: Answers, config: PpoConfig) -> Tensor:
    """What a completion is paid [N]: its score, less for having no end, against the prompt's other completions."""
    paid_N = score_N - config.missing_stop_penalty * (~answers.stopped_N).float()
    if config.prompt_baseline == "siblings":
        return advantages.without_siblings_mean(paid_N, answers.batch.owner_N)
    return paid_N


@torch.no_grad()
def first_values(cast: Cast, answers: Answers, reward_NR: Tensor, config: PpoConfig) -> Tensor:
    """Fit the value head to the first rollout's returns, and value that rollout without letting it see itself.

    Each half of the prompts is valued by a regression on the other half; the head keeps the regression on all.
    """
    mask_NR = answers.action_NR
    zero_NR = torch.zeros_like(reward_NR)
    return_NR = advantages.estimate_advantages(reward_NR, zero_NR, mask_NR, discount=config.discount, trace=1.0)
    hidden_Md = action_states(cast.policy, answers, config).float()
    half_M = (answers.batch.owner_N % 2 == 0)[:, None].expand_as(mask_NR)[mask_NR]
    return_M = return_NR[mask_NR]
    value_M = torch.zeros_like(return_M)
    for side_M in (half_M, ~half_M):
        if bool(side_M.any()) and bool((~side_M).any()):
            weight_d, bias = ridge(hidden_Md[~side_M], return_M[~side_M])
            value_M[side_M] = hidden_Md[side_M] @ weight_d + bias
    cast.value_head.fit(hidden_Md, return_M)
    return zero_NR.masked_scatter(mask_NR, value_M)


def passes(role: Role, answers: Answers, config: PpoConfig, prompts: Sequence[int] | None = None) -> Iterator[Part]:
    """The dialogues (of some prompts), a few prompts at a time, as a role's model sees them."""
    for chunk in chunks(prompts or range(len(answers.batch.prompt)), config.prompts_per_chunk):
        yield Part(*take(answers.seen_by(role), chunk))


def action_logprobs(role: Role, answers: Answers, part: Part, states: States, temperature: float) -> Tensor:
    """Log-probabilities [N, R] of a part's actions in a role, 0 elsewhere. No other token gets logits."""
    token_NR, mask_NR = part.of(answers.batch.reply), part.of(answers.action_NR)
    hidden_Md = states.before(part.batch.owner_N)[mask_NR]
    token_M = token_logprobs(role.model.vocabulary_head, hidden_Md, token_NR[mask_NR], temperature)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M)


def _lower_all(cast: Cast, batch: Dialogues, config: PpoConfig) -> dict[int, Dialogues]:
    lowered: dict[int, list[Dialogues]] = {}
    for chunk in chunks(range(len(batch.prompt)), config.prompts_per_chunk):
        for key, part in cast.lower(take(batch, chunk)[0]).items():
            lowered.setdefault(key, []).append(part)
    return {key: join(parts) for key, parts in lowered.items()}


def _padded(rows: Sequence[Sequence[float]], mask_NR: Tensor) -> Tensor:
    values = torch.tensor([value for row in rows for value in row], dtype=torch.float32, device=mask_NR.device)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, values)
