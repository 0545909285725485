"""Other text in every policy step, against forgetting: PPO-ptx (Ouyang et al. 2022, §3.5 and appendix C.4).

Its gradient goes into the same buffer as the policy's, before one optimizer step: Adam divides by the size of the
gradient, so in a step of its own the weight would mean almost nothing. Both terms are means over their tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.rlhf.models import Role
from workers.rlhf.next_token import Pupil, pupil
from workers.rlhf.packing import Row
from workers.rlhf.policy_configs import Online
from workers.rlhf.processes import ALONE, Team
from workers.rlhf.sampling import row_seed
from workers.rlhf.sft import stretch
from workers.rlhf.text_tokens import TextTokens
from workers.rlhf.training import require_finite


@dataclass(frozen=True, slots=True)
class Mix:
    """Where the other text comes from: a long text, of which stretches are drawn, or texts of their own."""

    reader: Pupil
    config: Online
    seed: int
    text: TextTokens | None = None
    texts: Sequence[Row] = ()

    def rows(self, update: int, step: int) -> list[Row]:
        """What is read at a step of an update: the same for the same numbers."""
        draw = torch.Generator().manual_seed(row_seed(self.seed, "mix", update, step))
        if self.text is not None:
            return [stretch(self.text, self.config.pretrain_tokens, draw) for _ in range(self.config.pretrain_rows)]
        count = min(self.config.pretrain_rows, len(self.texts))
        return [self.texts[place] for place in torch.randperm(len(self.texts), generator=draw)[:count].tolist()]

    def accumulate(self, update: int, step: int) -> dict[str, float]:
        """Put the text's gradient into an empty buffer; its loss in nats a token, and the length of that gradient."""
        rows = self.rows(update, step)
        count = sum(row.targets for row in rows)
        # Every process reads all of it, and the sum over them is each one's: rounding must not let them drift apart.
        processes = self.reader.team.size
        share, nll = self.config.pretrain_weight / processes, 0.0
        with self.reader.reading():
            for group in self.reader.batches(rows):
                loss = self.reader.nll(group)
                nll += require_finite(loss, "the loss of the text that is mixed in")
                torch.autograd.backward(share * loss / count)
        weights = weights_of(self.reader.role)
        self.reader.team.sum_gradients(weights)
        return {"loss/pretraining": nll / count, "gradient_norm/pretraining": length_of(weights)}


def mix_of(
    role: Role,
    config: Online,
    *,
    seed: int,
    text: TextTokens | None,
    texts: Sequence[Row],
    team: Team = ALONE,
) -> Mix:
    """Text to mix into the steps of a policy, read in forwards as large as the policy's own."""
    tokens = config.prompts_per_chunk * config.samples_per_prompt * config.max_new_tokens
    reader = pupil(role, tokens_per_forward=max(tokens, config.pretrain_tokens), packed=True, team=team)
    return Mix(reader, config, seed, text, texts)


def beside(
    mix: Mix | None, update: int, gradient: Callable[[Sequence[int]], dict[str, float]]
) -> Callable[[Sequence[int], int], dict[str, float]]:
    """The gradient of a policy's minibatch and that of the text, if there is some; each is measured by itself."""

    def both(prompts: Sequence[int], step: int) -> dict[str, float]:
        if mix is None:
            return gradient(prompts)
        numbers = mix.accumulate(update, step)
        weights = weights_of(mix.reader.role)
        aside = [weight.grad for weight in weights]
        for weight in weights:
            weight.grad = None
        numbers |= gradient(prompts)
        for weight, other in zip(weights, aside, strict=True):
            if other is not None:
                weight.grad = other if weight.grad is None else weight.grad.add_(other)
        return numbers

    return both


def weights_of(role: Role) -> list[nn.Parameter]:
    """Every weight of a role that can have a gradient."""
    if role.adapter is None:
        return list(role.model.causal.parameters())
    return list(role.model.parameters_of(role.adapter))


def length_of(weights: Sequence[Tensor]) -> float:
    """Euclidean length of the gradients of some weights together."""
    lengths = [weight.grad.norm() for weight in weights if weight.grad is not None]
    return float(torch.stack(lengths).norm()) if lengths else 0.0
