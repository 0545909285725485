"""Fine-tune a model on demonstrations: what is learnt at which step, and which weights learn it.

Ouyang et al. 2022, appendix C.1 and C.3: cosine down to 10 %, and a share of pretraining text against forgetting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import torch
from torch import nn

from workers.rlhf import models
from workers.rlhf.checkpoints import Training
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.packing import Row
from workers.rlhf.sampling import row_seed
from workers.rlhf.text_tokens import TextTokens
from workers.rlhf.training import adam, chunks

ADAPTER: Final = "sft"
# Gradients of single weights in a language model are often as small as the ε of PPO.
ADAM_EPSILON: Final = 1e-8
METHODS_WITH_VIRTUAL_TOKENS: Final = ("p_tuning", "prefix")


def role_of(model: LanguageModel, config: SftConfig, rows: Sequence[Row], *, seed: int) -> Role:
    """The model with what it learns on: all its weights, LoRA adapters, or virtual tokens.

    Raises:
        BadArtifactError: virtual tokens for a model that can't have any.
    """
    with models.fresh_seed(seed):
        if config.method == "full":
            return Role(model, None)
        if config.method == "lora":
            models.add_adapter(
                model, ADAPTER, rank=config.lora_rank, alpha=config.lora_alpha, layers=config.lora_layers
            )
        else:
            models.add_virtual_tokens(model, ADAPTER, config.method, first_words(rows, config.virtual_tokens))
    return Role(model, ADAPTER)


def first_words(rows: Sequence[Row], count: int) -> list[int]:
    """So many tokens of the demonstrations, from the start and, where they are few, over and over."""
    return list(islice(chain.from_iterable(row.ids for _ in range(count) for row in rows), count))


def weights_of(role: Role) -> dict[str, nn.Parameter]:
    """The weights that learn, by names that a checkpoint keeps."""
    if role.adapter is None:
        return dict(role.model.causal.named_parameters())
    return {str(place): weight for place, weight in enumerate(role.model.parameters_of(role.adapter))}


def training_of(role: Role, rate: float, weight_decay: float) -> Training:
    """AdamW over the weights that learn; norms and biases, being vectors, never decay."""
    weights = weights_of(role)
    matrices = [weight for weight in weights.values() if weight.dim() > 1]
    optimizer = adam([(matrices, rate)], weight_decay=weight_decay, epsilon=ADAM_EPSILON)
    vectors = [weight for weight in weights.values() if weight.dim() <= 1]
    if vectors:
        optimizer.add_param_group({"params": vectors, "lr": rate, "peak": rate, "weight_decay": 0.0})
    return Training(weights, optimizer, {})


def rate_of(config: SftConfig) -> float:
    """The peak learning rate of a method."""
    if config.method in METHODS_WITH_VIRTUAL_TOKENS:
        return config.virtual_learning_rate
    return config.learning_rate if config.method == "lora" else config.full_learning_rate


@dataclass(frozen=True, slots=True)
class Demonstrations:
    """The plan: passes over all texts in a new order each, and pretraining text beside them."""

    texts: Sequence[Row]
    places: Sequence[Sequence[int]]
    config: SftConfig
    seed: int
    text: TextTokens | None = None

    @property
    def steps(self) -> int:
        """How many optimizer steps there are."""
        return len(self.places)

    def rows(self, step: int) -> list[Row]:
        """The texts of a step, counted from 0."""
        chosen = [self.texts[place] for place in self.places[step]]
        return chosen + self.beside(step, sum(row.targets for row in chosen))

    def beside(self, step: int, targets: int) -> list[Row]:
        """Stretches of pretraining text so long that they are `pretrain_share` of the step's learnt tokens."""
        if self.text is None:
            return []
        share = self.config.pretrain_share
        wanted = round(targets * share / (1 - share))
        draw = torch.Generator().manual_seed(row_seed(self.seed, "text", step))
        sizes = [len(part) for part in chunks(range(wanted), self.config.max_tokens - 1)]
        return [stretch(self.text, size + 1, draw) for size in sizes]


def stretch(text: TextTokens, length: int, draw: torch.Generator) -> Row:
    """Consecutive tokens from anywhere in a text; all but the first are learnt."""
    length = min(length, len(text.ids))
    start = int(torch.randint(len(text.ids) - length + 1, (1,), generator=draw))
    return Row(text.window(start, length), [True] * length, f"text from token {start}")


def plan_of(texts: Sequence[Row], config: SftConfig, *, seed: int, text: TextTokens | None = None) -> Demonstrations:
    """Every step's texts."""
    return Demonstrations(texts, list(orders(len(texts), config, seed)), config, seed, text)


def orders(count: int, config: SftConfig, seed: int) -> Iterator[list[int]]:
    """Every step's places: whole passes until all epochs and the fewest steps are done."""
    step = 0
    for epoch in range(max(config.epochs, config.minimum_steps) if count else 0):
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
        for places in chunks(order, config.rows_per_step):
            if epoch >= config.epochs and step >= config.minimum_steps:
                return
            step += 1
            yield list(places)
