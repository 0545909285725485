"""Improve a policy directly on rankings (Rafailov et al. 2023): the implicit reward of an answer to a prompt is
β · log π(answer) / π₀(answer), and what people said is as likely as with a reward model that gave such scores.

So rankings of any length, ties and overlapping judgments count exactly as they do there: pairs (eq. 7 of the paper,
with ties after Chen et al. 2024), or whole orders (its appendix A.3).

Shapes: N = completions, R = reply tokens. Masks are True on real tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor
from torch.optim import Optimizer

from workers.rlhf import cast
from workers.rlhf.alternative_configs import DpoConfig
from workers.rlhf.checkpoints import Training
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.logprobs import token_logprobs
from workers.rlhf.models import Role
from workers.rlhf.pairs import RankedPrompt, accuracy, pair_batch
from workers.rlhf.prefix import Dialogues, dialogues
from workers.rlhf.reward import Step, batches
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.rollout import rounds_apart
from workers.rlhf.rounds import BrokenInvariantError
from workers.rlhf.training import adam, chunks, clipped_step, require_finite, set_rate, warm_cosine

# Nats a token by which a policy that has not learnt yet may differ from its reference.
START_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 0.01}


def as_reward(config: DpoConfig) -> RewardConfig:
    """How a reward run would read the same rankings."""
    names = ("ties", "likelihood", "overlap", "overlap_correlation", "epochs", "minimum_steps", "prompts_per_step")
    lengths = ("max_prompt_tokens", "max_completion_tokens", "held_out")
    return RewardConfig(**{name: getattr(config, name) for name in names + lengths})


@dataclass(slots=True)
class Pair:
    """Policy and reference, and what the reference said of each prompt's completions so far."""

    policy: Role
    reference: Role
    config: DpoConfig
    # With the prompts themselves, so that no other ones can get their identity.
    said: dict[tuple[int, ...], tuple[Sequence[RankedPrompt], Tensor]] = field(default_factory=dict)

    def tokens(self, prompts: Sequence[RankedPrompt]) -> Dialogues:
        """Prompts with all their completions, each ended by the stop token, as padded ids."""
        chat = self.policy.model.chat
        asked = [chat.prompt(prompt.messages, self.config.max_prompt_tokens).ids for prompt in prompts]
        replies = [
            [chat.completion(text, self.config.max_completion_tokens).ids for text in prompt.texts]
            for prompt in prompts
        ]
        return dialogues(asked, replies, chat.pad_id)

    def rewards(self, prompts: Sequence[RankedPrompt]) -> Tensor:
        """Implicit rewards [N] of all completions of some prompts, with gradient to the policy."""
        # Where numbers depend on the batch, both read the same one: else a policy that has not moved is 0.03 nats away.
        groups = [prompts] if rounds_apart(self.policy) else [[prompt] for prompt in prompts]
        # The reference first: to read as it switches the policy's adapter off, and with it its gradient.
        reference_N = torch.cat([self.of_reference(group) for group in groups])
        logprob_N = summed_logprobs(self.policy, self.tokens(prompts))
        return self.config.beta * (logprob_N - reference_N)

    @torch.no_grad()
    def of_reference(self, prompts: Sequence[RankedPrompt]) -> Tensor:
        """The reference's log-probabilities of some prompts' completions; what was read together before is known."""
        key = tuple(id(prompt) for prompt in prompts)
        if key not in self.said:
            self.said[key] = (prompts, summed_logprobs(self.reference, self.tokens(prompts)))
        return self.said[key][1]


def summed_logprobs(role: Role, tokens: Dialogues) -> Tensor:
    """Log-probability [N] of each whole reply with its stop token."""
    tokens = tokens.to(role.model.device)
    hidden_NRd = role.states(role.model.lower(tokens)).before(tokens.owner_N)
    mask_NR = tokens.reply_mask_NR
    token_M = token_logprobs(role.model.vocabulary_head, hidden_NRd[mask_NR], tokens.reply[mask_NR], 1.0)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M).sum(dim=1)


def training_of(pair: Pair, likelihood: Likelihood) -> Training:
    """The optimizer over the policy and the tie parameter, each at its own rate."""
    config = pair.config
    weights = cast.policy_weights(pair.policy)
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    tie = likelihood.tie_parameter
    optimizer: Optimizer = adam([(weights.values(), rate), ([tie], config.tie_learning_rate)])
    return Training({f"policy/{name}": weight for name, weight in weights.items()} | {"tie": tie}, optimizer, {})


def train(
    pair: Pair, course: Course, likelihood: Likelihood, training: Training, *, seed: int, done: int = 0
) -> Iterator[Step]:
    """Make what people said likelier, one yield an optimizer step. Where nothing says anything there is none.

    Raises:
        NonFiniteError: a loss or gradient is no number.
        BrokenInvariantError: at the start the policy differs from the reference.
    """
    config = course.config
    total = sum(1 for _ in batches(course.prompts, config, seed))
    for number, chosen in enumerate(batches(course.prompts, config, seed)):
        if number >= done:
            if number == 0:
                require_no_distance(pair, chosen[: pair.config.prompts_per_chunk])
            set_rate(training.optimizer, warm_cosine(number, total, pair.config.warmup_fraction * total))
            yield Step(number + 1, total, learn(pair, chosen, course, likelihood, training))


def require_no_distance(pair: Pair, prompts: Sequence[RankedPrompt]) -> None:
    """Before the first step policy and reference must be the same model."""
    tokens_N = pair.tokens(prompts).reply_mask_NR.sum(dim=1)
    log_ratio_N = pair.rewards(prompts).detach().cpu() / pair.config.beta
    worst = float((log_ratio_N / tokens_N).abs().max())
    tolerance = START_TOLERANCE[pair.policy.model.causal.dtype]
    if worst > tolerance:
        raise BrokenInvariantError(f"policy and reference differ at the start: {worst:.2g} nats a token > {tolerance}")


def learn(
    pair: Pair, prompts: Sequence[RankedPrompt], course: Course, likelihood: Likelihood, training: Training
) -> dict[str, float]:
    """One optimizer step on some prompts; chunks only save memory, the gradient is that of all prompts at once."""
    loss, right, decided = 0.0, 0.0, 0
    rewards: list[Tensor] = []
    for chunk in chunks(prompts, pair.config.prompts_per_chunk):
        reward_N = pair.rewards(chunk)
        part = course.loss(likelihood, reward_N[:, None], chunk) / len(prompts)
        loss += require_finite(part, "the policy's loss")
        torch.autograd.backward(part)
        rewards.append(reward_N.detach().cpu())
        share, count = accuracy(rewards[-1], pair_batch(chunk))
        right, decided = right + share * count, decided + count
    reward_N = torch.cat(rewards)
    numbers = {
        "loss": loss,
        "gradient_norm": clipped_step(training.optimizer, pair.config.gradient_norm),
        "learning_rate": training.optimizer.param_groups[0]["lr"],
        "rewards/mean": float(reward_N.mean()),
        "rewards/log_ratio": float(reward_N.mean()) / pair.config.beta,
    }
    return numbers | ({"accuracy/train": right / decided} if decided else {})


@torch.no_grad()
def held_out(pair: Pair, prompts: Sequence[RankedPrompt]) -> dict[str, float]:
    """How well implicit rewards order what people said about prompts that were not learnt."""
    right, decided = 0.0, 0
    for prompt in prompts:
        share, count = accuracy(pair.rewards([prompt]).cpu(), pair_batch([prompt]))
        right, decided = right + share * count, decided + count
    return {"accuracy/held_out": right / decided, "pairs/held_out": float(decided)} if decided else {}
