"""Train a reward model on rankings: every step, all completions of a few prompts, and all that was said about them.

Shapes: N = completions, H = heads. Scores of a prompt come from one forward.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from workers.rlhf import models
from workers.rlhf.checkpoints import Training
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.forms import choose
from workers.rlhf.heads import ScoreHead
from workers.rlhf.lean_layers import lean_layers
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.pairs import RankedPrompt, accuracy, pair_batch
from workers.rlhf.prefix import Dialogues, dialogues, join
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.training import adam, chunks, clipped_step, require_finite, set_rate, warm_cosine

ADAPTER: Final = "reward"
# The frozen layers' states of a prompt are kept for the next pass up to this much memory in all.
REMEMBERED_BYTES: Final = 1 << 30
# Tokens, repeated prompts and padding counted in, that go through the model together on a CPU where nobody says how
# many prompts: more are no faster there, and keep more memory.
TOKENS_AT_ONCE: Final = 512
# Of a GPU's free memory, what one pass may take; and numbers of 4 bytes that a token keeps for the backward pass, for
# each unit of a layer's width and of its inner width (counted generously).
SHARE_OF_MEMORY: Final = 0.4
KEPT_OF_WIDTH: Final = 16
KEPT_OF_INNER: Final = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step."""

    number: int
    total: int
    metrics: dict[str, float]


class RewardModel(nn.Module):
    """A language model with a score head, and the likelihood of what people say given its scores."""

    def __init__(
        self, model: LanguageModel, config: RewardConfig, *, tie_rate: float, seed: int, annotators: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.language_model = model
        model.form = choose(model.backbone, config.prefix)
        self.role = Role(model, ADAPTER if config.method == "lora" else None)
        with models.fresh_seed(seed):
            if config.method == "lora":
                models.add_adapter(
                    model, ADAPTER, rank=config.lora_rank, alpha=config.lora_alpha, layers=config.lora_layers
                )
                model.cut()
            self.head = ScoreHead(model.width, config.heads, read=config.read).to(model.device)
        self.likelihood = Likelihood(config, tie_rate=tie_rate, annotators=annotators).to(model.device)

    def trunk(self) -> dict[str, nn.Parameter]:
        """The trained weights under the head."""
        if self.role.adapter is None:
            return dict(self.language_model.causal.base_model.named_parameters())
        return {str(place): weight for place, weight in enumerate(self.language_model.parameters_of(ADAPTER))}

    def raw_members(self, batch: Dialogues) -> Tensor:
        """Scores [N, H] of every head before gain and bias, of dialogues that went through the frozen layers."""
        return self.head.raw_members(self.head.read_from(self.role.states(batch), batch.reply_mask_NR))

    def raw_scores(self, batch: Dialogues) -> Tensor:
        """Scores [N] before gain and bias; the mean of the heads."""
        return self.raw_members(batch).mean(dim=1)


@dataclass(slots=True)
class Reader:
    """Turns prompts into batches that went through the frozen layers.

    On a CPU their states are remembered while memory lasts; a GPU reads many prompts at once anew in less time.
    """

    model: LanguageModel
    config: RewardConfig
    room: int = REMEMBERED_BYTES
    # With the prompt itself, so that no other one can get its identity.
    kept: dict[int, tuple[RankedPrompt, Dialogues]] = field(default_factory=dict)
    ids: dict[int, tuple[RankedPrompt, Dialogues]] = field(default_factory=dict)

    def read(self, prompts: Sequence[RankedPrompt]) -> Dialogues:
        """One batch of dialogues for these prompts, in order."""
        if self.model.device.type == "cpu":
            return join([self._one(prompt) for prompt in prompts])
        return self.model.lower(join([self._tokens(prompt) for prompt in prompts]))

    def parts(self, prompts: Sequence[RankedPrompt]) -> Iterator[Sequence[RankedPrompt]]:
        """The prompts in order, as many at a time as the configuration says, or as the device has memory for."""
        if self.config.prompts_per_chunk:
            return chunks(prompts, self.config.prompts_per_chunk)
        on_cpu = self.model.device.type == "cpu"
        return self.that_fit(prompts, TOKENS_AT_ONCE if on_cpu else token_room(self.model))

    def that_fit(self, prompts: Sequence[RankedPrompt], tokens: int) -> Iterator[Sequence[RankedPrompt]]:
        """The prompts in order, as many at a time as have so many tokens with their padding, but at least one."""
        part: list[RankedPrompt] = []
        replies, widths = 0, (0, 0)
        for prompt in prompts:
            batch = self._tokens(prompt)
            count, wider = replies + len(batch.reply), _wider(widths, batch)
            if part and count * sum(wider) > tokens:
                yield part
                part, count, wider = [], len(batch.reply), _wider((0, 0), batch)
            part, replies, widths = [*part, prompt], count, wider
        if part:
            yield part

    def _tokens(self, prompt: RankedPrompt) -> Dialogues:
        if id(prompt) not in self.ids:
            self.ids[id(prompt)] = (prompt, self.tokens(prompt))
        return self.ids[id(prompt)][1]

    def _one(self, prompt: RankedPrompt) -> Dialogues:
        if id(prompt) in self.kept:
            return self.kept[id(prompt)][1]
        batch = self.model.lower(self._tokens(prompt))
        size = batch.prompt.nbytes + batch.reply.nbytes
        if size <= self.room:
            self.room -= size
            self.kept[id(prompt)] = (prompt, batch)
        return batch

    def tokens(self, prompt: RankedPrompt) -> Dialogues:
        """One prompt and its completions as padded ids."""
        chat = self.model.chat
        asked = chat.prompt(prompt.messages, self.config.max_prompt_tokens)
        said = [chat.completion(text, self.config.max_completion_tokens) for text in prompt.texts]
        return dialogues([asked.ids], [[part.ids for part in said]], chat.pad_id)


def token_room(model: LanguageModel) -> int:
    """How many tokens, padding counted in, a training pass on the model's GPU may have."""
    config: Any = model.causal.config
    inner = int(getattr(config, "intermediate_size", None) or 4 * model.width)
    token = 4 * int(config.num_hidden_layers) * (KEPT_OF_WIDTH * model.width + KEPT_OF_INNER * inner)
    free, _ = torch.cuda.mem_get_info(model.device)
    unused = torch.cuda.memory_reserved(model.device) - torch.cuda.memory_allocated(model.device)
    return int(SHARE_OF_MEMORY * (free + unused) / token)


def training_of(reward: RewardModel, config: RewardConfig) -> Training:
    """The optimizer over trunk, head, tie and annotators' parameters, each at its own rate; only the trunk decays."""
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    trunk = reward.trunk()
    optimizer = adam([(trunk.values(), rate)], weight_decay=config.weight_decay)
    extra = {"head": (reward.head.trained, config.head_learning_rate)}
    extra["tie"] = (reward.likelihood.tie_parameter, config.tie_learning_rate)
    if reward.likelihood.annotators is not None:
        extra["annotators/scale"] = (reward.likelihood.annotators.log_scale_J, config.tie_learning_rate)
        extra["annotators/tie"] = (reward.likelihood.annotators.tie_shift_J, config.tie_learning_rate)
    for weight, own_rate in extra.values():
        optimizer.add_param_group({"params": [weight], "lr": own_rate, "peak": own_rate, "weight_decay": 0.0})
    weights = {f"trunk/{name}": weight for name, weight in trunk.items()}
    return Training(weights | {name: weight for name, (weight, _) in extra.items()}, optimizer, {})


def train(
    reward: RewardModel, reader: Reader, course: Course, training: Training, *, seed: int, done: int = 0
) -> Iterator[Step]:
    """Fit the scores to what people said, one yield an optimizer step. Where nothing says anything there is none."""
    config = course.config
    total = sum(1 for _ in batches(course.prompts, config, seed))
    for number, chosen in enumerate(batches(course.prompts, config, seed)):
        if number < done:
            continue
        set_rate(training.optimizer, warm_cosine(number, total, config.warmup_fraction * total))
        yield Step(number + 1, total, learn(reward, reader, chosen, course, training))


def learn(
    reward: RewardModel, reader: Reader, prompts: Sequence[RankedPrompt], course: Course, training: Training
) -> dict[str, float]:
    """One optimizer step on some prompts; chunks only save memory, the gradient is that of all prompts at once."""
    config = course.config
    loss, right, decided = 0.0, 0.0, 0
    by_length = sorted(prompts, key=lambda prompt: max(map(len, prompt.texts)))
    for chunk in reader.parts(by_length):
        with lean_layers(reward.language_model.causal):
            score_NH = reward.raw_members(reader.read(chunk))
            chunk_loss = course.loss(reward.likelihood, score_NH, chunk) / len(prompts)
            loss += require_finite(chunk_loss, "the reward model's loss")
            prior = course.penalty(reward.likelihood) * (len(chunk) / len(prompts))
            torch.autograd.backward(chunk_loss + prior)
        share, count = accuracy(score_NH.detach().mean(dim=1).cpu(), pair_batch(chunk))
        right, decided = right + share * count, decided + count
    length = clipped_step(training.optimizer, config.gradient_norm, keep=True)
    metrics = {"loss": loss, "gradient_norm": length, "learning_rate": training.optimizer.param_groups[0]["lr"]}
    return metrics | ({"accuracy/train": right / decided} if decided else {})


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


def _wider(widths: tuple[int, int], batch: Dialogues) -> tuple[int, int]:
    return max(widths[0], batch.prompt.size(1)), max(widths[1], batch.reply.size(1))
