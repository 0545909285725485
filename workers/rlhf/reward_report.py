"""What a trained reward model is worth: agreement with people it learnt from and with people it did not."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from workers.rlhf.annotators import judgment_counts, names_of
from workers.rlhf.course import Course
from workers.rlhf.evidence import Scored
from workers.rlhf.held_out import judged
from workers.rlhf.pairs import PairBatch, RankedPrompt, accuracy, pair_batch
from workers.rlhf.reward import Reader, RewardModel, batches
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.scale import anchor, within_prompt_deviation

HELD_OUT: Final = frozenset({"validation", "test"})
ENOUGH_TO_ANCHOR: Final = 8
READ_AGAIN: Final = 32


@torch.no_grad()
def score(reward: RewardModel, reader: Reader, prompts: Sequence[RankedPrompt]) -> list[Scored]:
    """Raw scores of all completions, on the CPU."""
    scored: list[Scored] = []
    for chunk in reader.parts(prompts):
        raw_N = reward.raw_scores(reader.read(chunk)).cpu()
        parts = torch.split(raw_N, [len(prompt.texts) for prompt in chunk])
        scored += [Scored(prompt, part) for prompt, part in zip(chunk, parts, strict=True)]
    return scored


def settle(
    reward: RewardModel,
    reader: Reader,
    prompts: Sequence[RankedPrompt],
    config: RewardConfig,
    reference_prompts: Sequence[RankedPrompt] = (),
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Fix the scale of a trained model, and say in metrics and a report how far it can be trusted.

    The scale is anchored on the reference prompts where there are some, else on held-out completions, else on all.
    """
    held_out = score(reward, reader, [prompt for prompt in prompts if prompt.split in HELD_OUT])
    trained = score(reward, reader, [prompt for prompt in prompts if prompt.split not in HELD_OUT][:READ_AGAIN])
    enough = len(held_out) >= ENOUGH_TO_ANCHOR
    reference = score(reward, reader, reference_prompts) or (held_out if enough else held_out + trained)
    anchor(reward.head, [entry.raw_N for entry in reference])
    found = judged(held_out)
    metrics = (
        {f"{name}/train": value for name, value in agreement(trained).items()}
        | {f"{name}/held_out": value for name, value in agreement(held_out).items()}
        | headline(found)
        | tie_numbers(reward, prompts, config)
        | {"scale/deviation": within_prompt_deviation([entry.raw_N for entry in reference])}
        | {"length_correlation": length_correlation(reference)}
    )
    return metrics, {
        "held_out": {"prompts": len(held_out), "reason": missing_reason(held_out)},
        "anchored_on": {
            "prompts": len(reference),
            "held_out_only": enough and not reference_prompts,
            "reference": bool(reference_prompts),
        },
        "identical_pairs": sum(prompt.identical for prompt in prompts),
        "annotators": len(names_of(prompts)),
        "by_split": by_split(held_out + trained),
        "judged": found,
    }


def headline(found: dict[str, Any] | None) -> dict[str, float | None]:
    """The figures of the held-out report that belong beside the others."""
    if found is None:
        return {}
    return {
        "judgment_log_loss/held_out": found["log_loss"]["value"],
        "judgment_log_loss_gain/held_out": found["gain"]["value"],
        "tie_auc/held_out": found["tie_auc"]["value"],
        "tau_b/held_out": found["tau_b"]["value"],
        "brier/held_out": found["brier"]["value"],
        "calibration_error/held_out": found["calibration"]["error"],
        "calibration_slope/held_out": found["calibration"]["slope"]["value"],
        "ceiling_reached/held_out": found["ceiling"]["reached"]["value"] if found["ceiling"] else None,
    }


def by_split(scored: Sequence[Scored]) -> dict[str, dict[str, float | None]]:
    """Accuracy and Bradley–Terry log loss of each split; of training prompts, those that were read again."""
    splits = sorted({entry.prompt.split for entry in scored})
    return {split: agreement([entry for entry in scored if entry.prompt.split == split]) for split in splits}


def exposures(course: Course, *, seed: int) -> dict[str, float]:
    """How often each comparison was trained on: most, least, and on average over prompts."""
    seen = {id(prompt): 0 for prompt in course.prompts}
    for chosen in batches(course.prompts, course.config, seed):
        for prompt in chosen:
            seen[id(prompt)] += 1
    counts = list(seen.values()) or [0]
    return {"most": max(counts), "least": min(counts), "mean": sum(counts) / len(counts)}


def people(reward: RewardModel, course: Course) -> list[dict[str, Any]] | None:
    """What was learnt about each annotator, where that was asked for."""
    learnt = reward.likelihood.annotators
    return None if learnt is None else learnt.described(judgment_counts(course.prompts))


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
    return {
        "ties/share": sum(ties) / len(ties) if ties else None,
        "ties/pairs": sum(ties),
        "ties/parameter": learnt_tie_parameter(reward.likelihood.tie_parameter.detach(), config),
    }


def learnt_tie_parameter(parameter: Tensor, config: RewardConfig) -> float | None:
    """θ of Rao–Kupper, ν of Davidson, or δ of two in Davidson–Luce."""
    if config.likelihood == "davidson_luce":
        return float(parameter[0].exp())
    if config.likelihood == "pairs" and config.ties == "rao_kupper":
        return float(softplus(parameter).exp())
    return float(parameter.exp()) if config.likelihood == "pairs" and config.ties == "davidson" else None


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
