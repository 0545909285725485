"""Learn to predict next tokens: one optimizer step over any number of texts, however they are cut into forwards.

Every learnt token of a step weighs the same, whatever batch, micro-batch or process it falls into: the sum of all
negative log-likelihoods is divided once by the number of all learnt tokens (a mean of means would favour short texts).

Shapes: N = texts, T = tokens, M = learnt tokens, d = width.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from workers.rlhf.attention import NO_MASK, end_to_end_attention, packable
from workers.rlhf.checkpoints import Training
from workers.rlhf.cross_entropy import summed_nll
from workers.rlhf.lean_layers import lean_layers
from workers.rlhf.models import Role, fresh_seed
from workers.rlhf.packing import Row, TokenBatch, bucket, end_to_end, pack, side_by_side
from workers.rlhf.prefix import behind
from workers.rlhf.processes import Team
from workers.rlhf.sampling import row_seed
from workers.rlhf.training import NonFiniteError, clipped_step, require_finite, set_rate, warm_cosine

# Tokens that go through the model together where nobody says how many: on a CPU more are no faster, and keep memory.
AT_ONCE: Final = {"cpu": 512, "cuda": 2048}


@dataclass(frozen=True, slots=True)
class Pupil:
    """A model in a role that reads texts, and how it reads them."""

    role: Role
    tokens_per_forward: int
    packed: bool
    team: Team = field(default_factory=Team)
    half: bool = False
    layers_twice: bool = False
    dropout: bool = False

    def batches(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The texts in groups that go through the model together: all of the step, whosever share they are."""
        group = pack if self.packed else bucket
        return [
            [rows[place] for place in places] for places in group([row.width for row in rows], self.tokens_per_forward)
        ]

    def nll(self, rows: Sequence[Row]) -> Tensor:
        """Summed negative log-likelihood, in nats, of the learnt tokens of a group of texts."""
        model = self.role.model
        make = end_to_end(rows) if self.packed else side_by_side(rows, model.chat.pad_id)
        batch = make.to(model.device)
        hidden_NTd = states(self.role, batch)
        return summed_nll(model.vocabulary_head, hidden_NTd.flatten(0, 1)[batch.before_M], batch.target_M)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read as set: attention inside each text alone, and half precision where matrices are multiplied."""
        model = self.role.model
        with ExitStack() as stack:
            if torch.is_grad_enabled() and not self.half:
                stack.enter_context(lean_layers(model.causal))
            if self.packed:
                stack.enter_context(end_to_end_attention(model.backbone))
            if self.dropout and torch.is_grad_enabled():
                stack.enter_context(forgetting(model.causal))
            if self.layers_twice and torch.is_grad_enabled():
                stack.enter_context(worked_out_twice(model.causal))
            if self.half:
                stack.enter_context(torch.autocast(model.device.type, torch.bfloat16))
            yield


def pupil(role: Role, *, tokens_per_forward: int, packed: bool, team: Team, **how: bool) -> Pupil:
    """A pupil that packs if it is asked to and the model can; on a GPU it multiplies in bf16, whatever the weights.

    `tokens_per_forward` of 0 is what suits the device.

    Raises:
        ValueError: layers can't be worked out twice in this family, or must keep the keys and values of virtual tokens.
    """
    model = role.model
    if how.get("layers_twice") and role.adapter in model.virtual:
        raise ValueError("gradient_checkpointing: p_tuning and prefix need it off")
    if how.get("layers_twice") and not model.causal.supports_gradient_checkpointing:
        raise ValueError(f"gradient_checkpointing: {type(model.causal).__name__} needs it off")
    half = model.device.type == "cuda" and torch.cuda.is_bf16_supported()
    tokens = tokens_per_forward or AT_ONCE[model.device.type]
    return Pupil(role, tokens, packed and packable(model.backbone), team, half, **how)


def states(role: Role, batch: TokenBatch) -> Tensor:
    """Hidden states [N, T, d] of texts, behind the role's virtual tokens if it has any."""
    model = role.model
    model.activate(role.adapter)
    start = model.start(role.adapter, len(batch.ids_NT))
    kept = 0 if start is None else start.get_seq_length()
    if batch.mask_NT is None:
        reading = {"attention_mask": NO_MASK.to(model.device), "lengths": batch.lengths}
    else:
        reading = {"attention_mask": behind(kept, batch.mask_NT).long()}
    hidden_NTd: Tensor = model.backbone(
        input_ids=batch.ids_NT,
        position_ids=batch.position_NT + kept,
        past_key_values=start,
        use_cache=start is not None,
        **reading,
    ).last_hidden_state
    return hidden_NTd


def learn(reader: Pupil, rows: Sequence[Row], training: Training, gradient_norm: float) -> dict[str, float]:
    """One optimizer step.

    Raises:
        NonFiniteError: the loss or the gradient is no number; the message names the texts, no weight has changed.
    """
    count = sum(row.targets for row in rows)
    nll, broken = 0.0, ""
    with reader.reading():
        for group in reader.team.share(reader.batches(rows)):
            loss = reader.nll(group)
            torch.autograd.backward(loss / count)
            value = float(loss.detach())
            broken = broken or ("" if isfinite(value) else _names(group))
            nll += value
    (nll,) = reader.team.sum([nll], reader.role.model.device)
    require_finite(torch.tensor(nll / count), f"the loss of {broken or 'another process'}")
    weights = [weight for group in training.optimizer.param_groups for weight in group["params"]]
    reader.team.sum_gradients(weights)
    length = clipped_step(training.optimizer, gradient_norm, keep=True)
    rate = training.optimizer.param_groups[0]["lr"]
    return {"loss": nll / count, "tokens": float(count), "gradient_norm": length, "learning_rate": rate}


class Plan(Protocol):
    """What is learnt when: the same in every process and after every resumption."""

    @property
    def steps(self) -> int:
        """How many optimizer steps there are."""

    @property
    def seed(self) -> int:
        """Where all its random numbers come from."""

    def rows(self, step: int) -> list[Row]:
        """The texts of a step, counted from 0."""


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step."""

    number: int
    total: int
    metrics: dict[str, float]


def train(
    reader: Pupil, plan: Plan, training: Training, *, warmup_fraction: float, gradient_norm: float, done: int = 0
) -> Iterator[Step]:
    """Learn a plan, one yield an optimizer step; a resumed run starts after step `done`.

    Raises:
        NonFiniteError: a loss or gradient is no number; the message says at which step and on which texts.
    """
    for number in range(done, plan.steps):
        share = warm_cosine(number, plan.steps, warmup_fraction * plan.steps)
        set_rate(training.optimizer, share)
        try:
            # What is forgotten at random depends on the step alone, so a resumed run forgets the same.
            with fresh_seed(row_seed(plan.seed, "dropout", number, reader.team.rank)):
                metrics = learn(reader, plan.rows(number), training, gradient_norm)
        except NonFiniteError as error:
            raise NonFiniteError(f"stopped at step {number + 1} of {plan.steps}: {error}") from error
        yield Step(number + 1, plan.steps, metrics)


@torch.no_grad()
def mean_loss(reader: Pupil, rows: Sequence[Row]) -> float:
    """Nats a learnt token over all texts.

    Raises:
        NonFiniteError: it is no number.
    """
    count = sum(row.targets for row in rows)
    with reader.reading():
        parts = [float(reader.nll(group)) for group in reader.team.share(reader.batches(rows))]
    (nll,) = reader.team.sum([sum(parts)], reader.role.model.device)
    return require_finite(torch.tensor(nll / count), "the held-out loss")


@contextmanager
def forgetting(causal: Any) -> Iterator[None]:
    """Let dropout work."""
    causal.train()
    try:
        yield
    finally:
        causal.train(mode=False)


@contextmanager
def worked_out_twice(causal: Any) -> Iterator[None]:
    """Keep no layer's inner states for the backward pass; work them out again in it, which belongs inside too."""
    causal.activation_checkpointing_enable({"use_reentrant": False})
    layers = [layer for layer in causal.modules() if isinstance(layer, GradientCheckpointingLayer)]
    try:
        for layer in layers:
            # Only the layer itself: what is in it keeps its mode, and with it its dropout.
            layer.training = True
        yield
    finally:
        for layer in layers:
            layer.training = False
        causal.activation_checkpointing_disable()


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(row.source for row in rows[:8] if row.source) or "a batch"
