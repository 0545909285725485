"""Train a reward model on rankings: every step, all completions of a few prompts, and all pairs among them.

Shapes: N = completions, M = pairs. Scores of a prompt come from one forward, its pairs share a weight of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

from workers.rlhf import models
from workers.rlhf.checkpoints import Training
from workers.rlhf.configs import RewardConfig
from workers.rlhf.heads import ScoreHead
from workers.rlhf.losses import first_tie_parameter, pair_losses
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.pairs import RankedPrompt, accuracy, pair_batch
from workers.rlhf.prefix import Dialogues, dialogues, join
from workers.rlhf.training import adam, chunks, clipped_step, require_finite, set_rate, warm_cosine

ADAPTER: Final = "reward"
# The frozen layers' states of a prompt are kept for the next pass up to this much memory in all.
REMEMBERED_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step."""

    number: int
    total: int
    metrics: dict[str, float]


class RewardModel(nn.Module):
    """A language model with a score head and, for two of the tie models, a learnt tie parameter."""

    def __init__(self, model: LanguageModel, config: RewardConfig, *, tie_rate: float, seed: int) -> None:
        super().__init__()
        self.language_model = model
        self.role = Role(model, ADAPTER if config.method == "lora" else None)
        with models.fresh_seed(seed):
            if config.method == "lora":
                models.add_adapter(
                    model, ADAPTER, rank=config.lora_rank, alpha=config.lora_alpha, layers=config.lora_layers
                )
                model.cut()
            self.head = ScoreHead(model.width).to(model.device)
        start = first_tie_parameter(config.ties, tie_rate)
        self.tie_parameter = nn.Parameter(torch.tensor(start, device=model.device))

    def trunk(self) -> dict[str, nn.Parameter]:
        """The trained weights under the head."""
        if self.role.adapter is None:
            return dict(self.language_model.causal.base_model.named_parameters())
        return {str(place): weight for place, weight in enumerate(self.language_model.parameters_of(ADAPTER))}

    def raw_scores(self, batch: Dialogues) -> Tensor:
        """Scores [N] before gain and bias, of dialogues that went through the frozen layers."""
        return self.head.raw(self.role.states(batch).last(batch.reply_mask_NR))


@dataclass(slots=True)
class Reader:
    """Turns prompts into batches that went through the frozen layers, and remembers them while memory lasts."""

    model: LanguageModel
    config: RewardConfig
    cut_tokens: int = 0
    room: int = REMEMBERED_BYTES
    # With the prompt itself, so that no other one can get its identity.
    kept: dict[int, tuple[RankedPrompt, Dialogues]] = field(default_factory=dict)

    def read(self, prompts: Sequence[RankedPrompt]) -> Dialogues:
        """One batch of dialogues for these prompts, in order."""
        return join([self._one(prompt) for prompt in prompts])

    def _one(self, prompt: RankedPrompt) -> Dialogues:
        if id(prompt) in self.kept:
            return self.kept[id(prompt)][1]
        batch = self.model.lower(self._tokens(prompt))
        size = batch.prompt.nbytes + batch.reply.nbytes
        if size <= self.room:
            self.room -= size
            self.kept[id(prompt)] = (prompt, batch)
        return batch

    def _tokens(self, prompt: RankedPrompt) -> Dialogues:
        chat = self.model.chat
        asked = chat.prompt(prompt.messages, self.config.max_prompt_tokens)
        said = [chat.completion(text, self.config.max_completion_tokens) for text in prompt.texts]
        self.cut_tokens += asked.cut + sum(part.cut for part in said)
        return dialogues([asked.ids], [[part.ids for part in said]], chat.pad_id)


def training_of(reward: RewardModel, config: RewardConfig) -> Training:
    """The optimizer over trunk, head and tie parameter, each at its own rate; only the trunk decays."""
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    trunk = reward.trunk()
    optimizer = adam([(trunk.values(), rate)], weight_decay=config.weight_decay)
    for weight, own_rate in (
        (reward.head.weight, config.head_learning_rate),
        (reward.tie_parameter, config.tie_learning_rate),
    ):
        optimizer.add_param_group({"params": [weight], "lr": own_rate, "peak": own_rate, "weight_decay": 0.0})
    weights = {f"trunk/{name}": weight for name, weight in trunk.items()}
    return Training(weights | {"head": reward.head.weight, "tie": reward.tie_parameter}, optimizer, {})


def train(
    reward: RewardModel,
    reader: Reader,
    prompts: Sequence[RankedPrompt],
    config: RewardConfig,
    training: Training,
    *,
    seed: int,
    done: int = 0,
) -> Iterator[Step]:
    """Fit the scores to the pairs, one yield an optimizer step. Without a pair that says anything there is none."""
    usable = [prompt for prompt in prompts if says_something(prompt, config)]
    plan = [number for number, _ in enumerate(batches(usable, config, seed))]
    for number, chosen in enumerate(batches(usable, config, seed)):
        if number < done:
            continue
        set_rate(training.optimizer, warm_cosine(number, len(plan), config.warmup_fraction * len(plan)))
        yield Step(number + 1, len(plan), learn(reward, reader, chosen, config, training))


def learn(
    reward: RewardModel,
    reader: Reader,
    prompts: Sequence[RankedPrompt],
    config: RewardConfig,
    training: Training,
) -> dict[str, float]:
    """One optimizer step on some prompts; chunks only save memory, the gradient is that of all prompts at once."""
    loss, right, decided = 0.0, 0.0, 0
    by_length = sorted(prompts, key=lambda prompt: max(map(len, prompt.texts)))
    for chunk in chunks(by_length, config.prompts_per_chunk):
        score_N = reward.raw_scores(reader.read(chunk))
        pairs = pair_batch(chunk).to(score_N.device)
        loss_M = pair_losses(
            score_N[pairs.first_M] - score_N[pairs.second_M],
            pairs.tie_M,
            ties=config.ties,
            tie_parameter=reward.tie_parameter,
        )
        chunk_loss = (loss_M * pairs.weight_M).sum() / len(prompts)
        loss += require_finite(chunk_loss, "the reward model's loss")
        torch.autograd.backward(chunk_loss)
        share, count = accuracy(score_N.detach(), pairs)
        right, decided = right + share * count, decided + count
    length = clipped_step(training.optimizer, config.gradient_norm)
    metrics = {"loss": loss, "gradient_norm": length, "learning_rate": training.optimizer.param_groups[0]["lr"]}
    return metrics | ({"accuracy/train": right / decided} if decided else {})


def says_something(prompt: RankedPrompt, config: RewardConfig) -> bool:
    """Whether a prompt has a pair that the loss can learn from."""
    return any(config.ties != "drop" or not pair.tie for pair in prompt.pairs)


def batches(prompts: Sequence[RankedPrompt], config: RewardConfig, seed: int) -> Iterator[Sequence[RankedPrompt]]:
    """Every step's prompts: passes in a new order each, until all epochs and the fewest steps are done."""
    step = 0
    for epoch in range(max(config.epochs, config.minimum_steps) if prompts else 0):
        order = torch.randperm(len(prompts), generator=torch.Generator().manual_seed(seed + epoch)).tolist()
        for places in chunks(order, config.prompts_per_step):
            if epoch >= config.epochs and step >= config.minimum_steps:
                return
            step += 1
            yield [prompts[place] for place in places]
