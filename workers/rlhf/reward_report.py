"""What a trained reward model is worth: agreement with people it learnt from and with people it did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from workers.rlhf.pairs import PairBatch, RankedPrompt, accuracy, pair_batch
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.scale import anchor, within_prompt_deviation
from workers.rlhf.training import chunks

HELD_OUT: Final = frozenset({"validation", "test"})
ENOUGH_TO_ANCHOR: Final = 8
READ_AGAIN: Final = 32


@dataclass(frozen=True, slots=True)
class Scored:
    """A prompt with the raw scores of its completions."""

    prompt: RankedPrompt
    raw_N: Tensor


@torch.no_grad()
def score(reward: RewardModel, reader: Reader, prompts: Sequence[RankedPrompt], config: RewardConfig) -> list[Scored]:
    """Raw scores of all completions, on the CPU."""
    scored: list[Scored] = []
    for chunk in chunks(prompts, config.prompts_per_chunk):
        raw_N = reward.raw_scores(reader.read(chunk)).cpu()
        parts = torch.split(raw_N, [len(prompt.texts) for prompt in chunk])
        scored += [Scored(prompt, part) for prompt, part in zip(chunk, parts, strict=True)]
    return scored


def settle(
    reward: RewardModel, reader: Reader, prompts: Sequence[RankedPrompt], config: RewardConfig
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Fix the scale of a trained model, and say in metrics and a report how far it can be trusted."""
    held_out = score(reward, reader, [prompt for prompt in prompts if prompt.split in HELD_OUT], config)
    trained = score(reward, reader, [prompt for prompt in prompts if prompt.split not in HELD_OUT][:READ_AGAIN], config)
    reference = held_out if len(held_out) >= ENOUGH_TO_ANCHOR else held_out + trained
    anchor(reward.head, [entry.raw_N for entry in reference])
    metrics = (
        {f"{name}/train": value for name, value in agreement(trained).items()}
        | {f"{name}/held_out": value for name, value in agreement(held_out).items()}
        | tie_numbers(reward, prompts, config)
        | {"scale/deviation": within_prompt_deviation([entry.raw_N for entry in reference])}
        | {"length_correlation": length_correlation(reference)}
    )
    return metrics, {
        "held_out": {"prompts": len(held_out), "reason": missing_reason(held_out)},
        "anchored_on": {"prompts": len(reference), "held_out_only": len(held_out) >= ENOUGH_TO_ANCHOR},
        "identical_pairs": sum(prompt.identical for prompt in prompts),
        "cut_tokens": reader.cut_tokens,
        "annotators": len({pair.annotator for prompt in prompts for pair in prompt.pairs}),
    }


def agreement(scored: Sequence[Scored]) -> dict[str, float | None]:
    """Accuracy on decided pairs, Bradley–Terry log loss of them, and how many; None where there are none."""
    pairs = pair_batch([entry.prompt for entry in scored])
    raw_N = torch.cat([entry.raw_N for entry in scored]) if scored else torch.empty(0)
    share, count = accuracy(raw_N, pairs)
    margin_M = decided_margins(raw_N, pairs)
    return {
        "accuracy": share if count else None,
        "log_loss": float(softplus(-margin_M).mean()) if count else None,
        "pairs": count,
    }


def decided_margins(raw_N: Tensor, pairs: PairBatch) -> Tensor:
    """Preferred minus other score of every pair that is no tie."""
    return (raw_N[pairs.first_M] - raw_N[pairs.second_M])[~pairs.tie_M]


def tie_numbers(reward: RewardModel, prompts: Sequence[RankedPrompt], config: RewardConfig) -> dict[str, float | None]:
    """How often people saw no difference, and the learnt tie parameter where the model has one."""
    ties = [pair.tie for prompt in prompts for pair in prompt.pairs]
    parameter = reward.likelihood.tie_parameter.detach()
    if config.likelihood == "davidson_luce":
        learnt = {config.ties: parameter[0].exp()}
    elif config.likelihood == "plackett_luce":
        learnt = {}
    else:
        learnt = {"rao_kupper": softplus(parameter).exp(), "davidson": parameter.exp()}
    return {
        "ties/share": sum(ties) / len(ties) if ties else None,
        "ties/pairs": sum(ties),
        "ties/parameter": float(learnt[config.ties]) if config.ties in learnt else None,
    }


def length_correlation(scored: Sequence[Scored]) -> float | None:
    """Correlation of score and length (characters) within prompts; None where either never varies."""
    score_N = torch.cat([entry.raw_N - entry.raw_N.mean() for entry in scored]) if scored else torch.empty(0)
    lengths = [torch.tensor([float(len(text)) for text in entry.prompt.texts]) for entry in scored]
    length_N = torch.cat([part - part.mean() for part in lengths]) if scored else torch.empty(0)
    size = float(score_N.norm() * length_N.norm())
    return float(score_N @ length_N) / size if size > 0 else None


def missing_reason(held_out: Sequence[Scored]) -> str | None:
    """Why there is no held-out accuracy, if there is none."""
    if not held_out:
        return "no ranked prompt belongs to the validation or test split yet"
    if all(pair.tie for entry in held_out for pair in entry.prompt.pairs):
        return "every held-out pair is a tie"
    return None
