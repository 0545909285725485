"""Act: the policy answers prompts, the answers are judged, every token gets its credit.

Shapes: B = prompts, N = completions of all prompts, R = reply tokens, M = real tokens, d = width.
Masks are True on real tokens. The stop token is the last action of a completion that ended by itself; one that was
cut has none, yet the reward model reads one behind it, because it has never seen a completion without. A stop string
ends a completion as well: its tokens are actions, and the reward model reads them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from workers.rlhf.attention import HALF
from workers.rlhf.cast import REWARD, Cast
from workers.rlhf.data import BadDataError, Messages
from workers.rlhf.drawing import listed
from workers.rlhf.heads import spread
from workers.rlhf.logprobs import exact_kl, token_logprobs
from workers.rlhf.models import Role
from workers.rlhf.policy_configs import Judging, Writing
from workers.rlhf.prefix import Dialogues, States, dialogues, join, take
from workers.rlhf.processes import ALONE, Team
from workers.rlhf.sampling import Completion, Sampling, row_seed, sample
from workers.rlhf.swift_layers import writes_from_copy
from workers.rlhf.training import chunks

# One that is chosen, and the stop token.
FEWEST_TOKENS: Final = 2


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as tokens; the messages are for a reward model that reads other tokens."""

    prompt_id: int | str
    ids: list[int]
    text: str
    messages: Messages = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """The policy's completions of some prompts, side by side; `lowered` holds each model's own view of them.

    `stopped_N` is whether each has an end of its own, `read` the states [N, d] that were scored, once they have been.
    """

    completions: list[Completion]
    batch: Dialogues
    lowered: dict[int, Dialogues]
    action_NR: Tensor
    stopped_N: Tensor
    read: dict[str, Tensor] = field(default_factory=dict)

    def seen_by(self, role: Role) -> Dialogues:
        """The dialogues after the frozen layers of a role's model."""
        return self.lowered[id(role.model)]


@dataclass(frozen=True, slots=True)
class Part:
    """Some prompts' dialogues, and the places [N] of their completions among all answers."""

    batch: Dialogues
    row_N: Tensor
    prompts: Sequence[int]

    def of(self, values_NR: Tensor) -> Tensor:
        """These completions' rows of a tensor over all answers, as wide as this part."""
        return values_NR[self.row_N, : self.batch.reply.size(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What happened and how it was judged: log-probabilities as written, KL (k1), entropies, scores.

    `spread_N` is how far an ensemble's members disagree about each completion.
    """

    answers: Answers
    mask_NR: Tensor
    logprob_NR: Tensor
    kl_NR: Tensor
    entropy_NR: Tensor
    score_N: Tensor
    spread_N: Tensor | None = None


def answer(
    cast: Cast, questions: Sequence[Question], config: Writing, *, count: int, seed: tuple[int, ...], first: int = 0
) -> Answers:
    """Let the policy write `count` completions of each question, from the very distribution that it learns in.

    `first` is the place of the first question among more: what is written then does not depend on how they are parted.
    """
    completions = write(cast, questions, config, count=count, seed=seed, first=first)
    chat = cast.policy.model.chat
    rows = [done.ids if done.stopped else [*done.ids, chat.stop_id] for done in completions]
    replies = [list(group) for group in chunks(rows, count)]
    batch = dialogues([question.ids for question in questions], replies, chat.pad_id).to(cast.policy.model.device)
    length_N = torch.tensor([len(done.ids) for done in completions], device=batch.reply.device)
    action_NR = torch.arange(batch.reply.size(1), device=length_N.device) < length_N[:, None]
    stopped_N = torch.tensor([done.ended for done in completions], device=length_N.device)
    lowered = _lower_all(cast, batch, config)
    if cast.by_text:
        lowered |= _for_the_judge(cast, questions, list(chunks(completions, count)), config)
    return Answers(completions, batch, lowered, action_NR, stopped_N)


def write(
    cast: Cast, questions: Sequence[Question], config: Writing, *, count: int, seed: tuple[int, ...], first: int = 0
) -> list[Completion]:
    """`count` completions of each question; where there are several processes, each writes for its share of them."""
    places = cast.team.share(range(len(questions)))
    owner = [number for number in range(len(places)) for _ in range(count)]
    seeds = [
        row_seed(*seed, questions[place].prompt_id, (first + place) * count + index)
        for place in places
        for index in range(count)
    ]
    plan = Sampling(
        temperature=config.temperature,
        stop_strings=listed(config.stop_strings),
        max_new_tokens=min(config.max_new_tokens, room_of(cast, questions)),
    )
    value_of = cast.value_head if cast.critic is None else None
    ids = [questions[place].ids for place in places]
    written = sample(cast.policy, ids, owner, seeds, plan, value_of=value_of) if ids else []
    return [done for group in cast.team.gathered(list(chunks(written, count))) for done in group]


def room_of(cast: Cast, questions: Sequence[Question]) -> int:
    """Tokens that any of the completions may have, so that all who read their tokens can also read a stop token behind.

    Raises:
        BadDataError: a prompt leaves no room for a single token.
    """
    longest = max(len(question.ids) for question in questions)
    virtual = [tokens.count for model in cast.language_models for tokens in model.virtual.values()]
    most = min(model.longest for model in cast.language_models) - max(virtual, default=0)
    if most - longest < FEWEST_TOKENS:
        raise BadDataError(f"a prompt of {longest} tokens leaves no room: these models read at most {most}")
    return most - longest - 1


@torch.no_grad()
def judge(cast: Cast, answers: Answers, config: Judging) -> Tensor:
    """The reward model's score [N] of each completion, read at its stop token or over all of it.

    Of an ensemble the mean, less `pessimism` times how far its members disagree (Coste et al. 2024): what they
    disagree about is where a policy finds scores that nobody meant.
    """
    _, head = cast.judge
    read_Nd = read_states(cast, answers, config)
    if config.pessimism == 0:
        score_N: Tensor = head(read_Nd)
        return score_N
    return cautious(head.members(read_Nd), answers.batch.owner_N, config.pessimism)


@torch.no_grad()
def disagreement(cast: Cast, answers: Answers, config: Judging) -> Tensor | None:
    """How far the members of an ensemble disagree about each completion [N]; None where there is one judge alone."""
    _, head = cast.judge
    if head.members_Hd is None:
        return None
    return spreads(head.members(read_states(cast, answers, config)), answers.batch.owner_N)


def read_states(cast: Cast, answers: Answers, config: Writing) -> Tensor:
    """The states [N, d] that the reward model's head reads: at the stop tokens, or their means; read once."""
    if REWARD not in answers.read:
        reward, head = cast.judge
        read_Nd = torch.zeros(len(answers.action_NR), reward.model.width, device=answers.action_NR.device)
        for part in passes(reward, answers, config, team=cast.team):
            read_Nd[part.row_N] = head.read_from(reward.states(part.batch), part.batch.reply_mask_NR).float()
        answers.read[REWARD] = cast.team.add_up(read_Nd)
    return answers.read[REWARD]


def cautious(score_NH: Tensor, owner_N: Tensor, pessimism: float) -> Tensor:
    """Mean of an ensemble's scores [N, H] less so many of its spreads, which are around each prompt's means."""
    return score_NH.mean(dim=1) - pessimism * spreads(score_NH, owner_N)


def spreads(score_NH: Tensor, owner_N: Tensor) -> Tensor:
    """An ensemble's spread [N] around each prompt's means."""
    spread_N = torch.zeros_like(score_NH[:, 0])
    for prompt in set(owner_N.tolist()):
        spread_N[owner_N == prompt] = spread(score_NH[owner_N == prompt])
    return spread_N


@torch.no_grad()
def read_logprobs(role: Role, answers: Answers, config: Writing, team: Team = ALONE) -> Tensor:
    """Log-probabilities [N, R] of the policy's tokens as a role reads them; 0 where there is no token."""
    logprob_NR = torch.zeros(answers.action_NR.shape, device=answers.action_NR.device)
    for part in passes(role, answers, config, team=team):
        rows_NR = action_logprobs(role, answers, part, role.states(part.batch), config.temperature)
        logprob_NR[part.row_N, : rows_NR.size(1)] = rows_NR
    return team.add_up(logprob_NR)


def written_logprobs(cast: Cast, answers: Answers, config: Writing, *, from_copy: bool) -> Tensor:
    """Log-probabilities [N, R] that the policy gave its tokens: as noted while it wrote them.

    In half precision writing (a token at a time) and reading (whole completions) round differently, by tenths of a nat
    on the worst token. There the policy reads what it wrote, in the passes in which the reference reads it too and in
    which the policy will learn: both start at the same numbers. It does so too where it wrote from a copy of its
    weights: in fp32 that is off by 6.5e-5 at most over 1,313 tokens at 135M, too near to the 1e-4 that a run allows.
    """
    if rounds_apart(cast.policy) or from_copy:
        return read_logprobs(cast.policy, answers, config, cast.team)
    return padded([done.logprobs for done in answers.completions], answers.action_NR)


def rounds_apart(role: Role) -> bool:
    """Whether a role's numbers depend on the shape of the batch that they are worked out in by more than 1e-4."""
    return role.model.causal.dtype in HALF


@torch.no_grad()
def kl_to_reference(cast: Cast, answers: Answers, config: Writing) -> Tensor:
    """Nats [N] between policy and reference: the exact KL of every next-token distribution, summed over tokens."""
    p_Md, q_Md = action_states(cast.policy, answers, config), action_states(cast.reference, answers, config)
    heads = cast.policy.model.vocabulary_head, cast.reference.model.vocabulary_head
    token_M = exact_kl(heads[0], p_Md, heads[1], q_Md, config.temperature)
    mask_NR = answers.action_NR
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M).sum(dim=1)


@torch.no_grad()
def action_states(role: Role, answers: Answers, config: Writing) -> Tensor:
    """States [M, d] from which a role would choose each action, completion after completion."""
    parts = []
    for part in passes(role, answers, config):
        states_NRd = role.states(part.batch).before(part.batch.owner_N)
        parts.append(states_NRd[part.of(answers.action_NR)])
    return torch.cat(parts)


@torch.no_grad()
def look(cast: Cast, answers: Answers, config: Judging) -> Judged:
    """Read the answers as the reference and the reward model do."""
    mask_NR = answers.action_NR
    # Asked before layers are replaced for reading: of replaced ones no copy is made.
    from_copy = writes_from_copy(cast.policy, config.max_new_tokens)
    with cast.lean():
        logprob_NR = written_logprobs(cast, answers, config, from_copy=from_copy)
        return Judged(
            answers=answers,
            mask_NR=mask_NR,
            logprob_NR=logprob_NR,
            kl_NR=(logprob_NR - read_logprobs(cast.reference, answers, config, cast.team)) * mask_NR,
            entropy_NR=padded([done.entropies for done in answers.completions], mask_NR),
            score_N=judge(cast, answers, config),
            spread_N=disagreement(cast, answers, config),
        )


def paid(score_N: Tensor, answers: Answers, config: Judging) -> Tensor:
    """What a completion is paid [N]: its score, less for having no end."""
    return score_N - config.missing_stop_penalty * (~answers.stopped_N).float()


def passes(
    role: Role, answers: Answers, config: Writing, prompts: Sequence[int] | None = None, *, team: Team = ALONE
) -> Iterator[Part]:
    """The dialogues (of some prompts), a few prompts at a time, as a role's model sees them; of a team, its share."""
    chosen = prompts or range(len(answers.batch.prompt))
    for chunk in team.share(list(chunks(chosen, config.prompts_per_chunk))):
        yield Part(*take(answers.seen_by(role), chunk), chunk)


def action_logprobs(role: Role, answers: Answers, part: Part, states: States, temperature: float) -> Tensor:
    """Log-probabilities [N, R] of a part's actions in a role, 0 elsewhere. No other token gets logits."""
    token_NR, mask_NR = part.of(answers.batch.reply), part.of(answers.action_NR)
    hidden_Md = states.before(part.batch.owner_N)[mask_NR]
    token_M = token_logprobs(role.model.vocabulary_head, hidden_Md, token_NR[mask_NR], temperature)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M)


@torch.no_grad()
def _for_the_judge(
    cast: Cast, questions: Sequence[Question], written: Sequence[Sequence[Completion]], config: Writing
) -> dict[int, Dialogues]:
    """The same conversations in the words of a reward model that has other ones."""
    reward, _ = cast.judge
    chat, text = reward.model.chat, cast.policy.model.chat.text
    if any(not question.messages for question in questions):
        raise BadDataError("this reward model has another tokenizer: prompts are needed as messages")
    asked = [chat.prompt(question.messages, config.max_prompt_tokens).ids for question in questions]
    # Tokens of another vocabulary may be much shorter; an answer that no position is left for would be cut unseen.
    room = reward.model.longest - max(map(len, asked))
    said = [[chat.completion(text(done.ids), room).ids for done in group] for group in written]
    batch = dialogues(asked, said, chat.pad_id).to(reward.model.device)
    parts = [reward.model.lower(take(batch, chunk)[0]) for chunk in chunks(range(len(asked)), config.prompts_per_chunk)]
    return {id(reward.model): join(parts)}


def _lower_all(cast: Cast, batch: Dialogues, config: Writing) -> dict[int, Dialogues]:
    lowered: dict[int, list[Dialogues]] = {}
    for chunk in chunks(range(len(batch.prompt)), config.prompts_per_chunk):
        for key, part in cast.lower(take(batch, chunk)[0]).items():
            lowered.setdefault(key, []).append(part)
    return {key: join(parts) for key, parts in lowered.items()}


def padded(rows: Sequence[Sequence[float]], mask_NR: Tensor) -> Tensor:
    """Numbers of each completion's actions as [N, R]."""
    values = torch.tensor([value for row in rows for value in row], dtype=torch.float32, device=mask_NR.device)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, values)
