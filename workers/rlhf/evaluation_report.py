"""What an evaluation found, as one JSON document: figures of each model, comparisons, a curve, and texts to read.

Shapes: B = prompts, N = completions, M = comparisons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp, sqrt
from statistics import fmean
from typing import Any, Final, Literal

import numpy as np

from workers.rlhf.evaluate import Answers, Asked
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.resampling import WITHIN_NOISE, Estimate, Resampler
from workers.rlhf.score import Cuts
from workers.rlhf.text_figures import distinct, repetition
from workers.rlhf.win_rates import Comparisons

POLICY: Final = "policy"
REFERENCE: Final = "reference"
SHOWN_PROMPTS: Final = 8
Standing = Literal["judge", "proxy"]


@dataclass(frozen=True, slots=True)
class Reader:
    """A judge's standing: independent, or one that had a hand in a model that it compares and so promotes nothing."""

    name: str
    sha256: str
    standing: Standing
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that was found out, before it is added up.

    `flags` are the places of the completions that each flag is about, by model and flag; `losses` nats a token of each
    text by model, `cuts` what each judge did not read whole.
    """

    config: EvaluateConfig
    asked: Sequence[Asked]
    writings: Mapping[str, Answers]
    readers: Sequence[Reader]
    flags: Mapping[str, Mapping[str, Sequence[int]]]
    losses: Mapping[str, Mapping[str, tuple[float, int]]] = field(default_factory=dict)
    cuts: Mapping[str, Cuts] = field(default_factory=dict)


def report(found: Evaluation) -> dict[str, Any]:
    """The whole document; metrics are drawn from it by `headline`."""
    return {
        "prompts": len(found.asked),
        "completions_per_prompt": found.config.samples_per_prompt,
        "judges": [asdict(one) | {"cut": asdict(found.cuts.get(one.name, Cuts()))} for one in found.readers],
        "models": {name: figures(name, answers, found) for name, answers in found.writings.items()},
        "comparisons": [
            compared(found, reader, other)
            for reader in found.readers
            for other in found.writings
            if other != POLICY and POLICY in found.writings
        ],
        "forgetting": forgetting(found),
        "curve": curve(found),
        "samples": samples(found),
    }


def figures(name: str, answers: Answers, found: Evaluation) -> dict[str, Any]:
    """What one model's completions are like; intervals resample prompts."""
    texts = [one.text for group in answers for one in group]
    said = [one for group in answers for one in group]
    return {
        "kl": distance(answers),
        "tokens": by_prompt(answers, lambda one: float(one.tokens)).plain(),
        "characters": by_prompt(answers, lambda one: float(len(one.text))).plain(),
        "stopped": fmean(one.completion.ended for one in said),
        "empty": fmean(not one.text.strip() for one in said),
        "repetition": fmean(repetition(text) for text in texts),
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "flags": flags_of(answers, found.flags.get(name, {})),
        "scores": {
            reader.name: by_prompt(answers, lambda one, name=reader.name: one.scores[name]).plain()
            for reader in found.readers
        },
    }


def distance(answers: Answers) -> dict[str, float] | None:
    """Nats from the reference: the mean over completions, its standard error by prompt, and nats a token."""
    if any(one.kl is None for group in answers for one in group):
        return None
    mean_B = np.array([fmean(float(one.kl or 0.0) for one in group) for group in answers])
    tokens = sum(one.tokens for group in answers for one in group)
    total = sum(float(one.kl or 0.0) for group in answers for one in group)
    error = float(mean_B.std(ddof=1)) / sqrt(len(mean_B)) if len(mean_B) > 1 else 0.0
    return {"value": float(mean_B.mean()), "standard_error": error, "per_token": total / max(1, tokens)}


def by_prompt(answers: Answers, of: Any) -> Estimate:
    """A mean over completions with an interval that resamples prompts."""
    value_N = np.array([of(one) for group in answers for one in group], dtype=np.float64)
    prompt_N = np.repeat(np.arange(len(answers)), [len(group) for group in answers])
    return Resampler(prompt_N).mean(value_N)


def flags_of(answers: Answers, raised: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Any]]:
    """How many completions each flag is about, and the prompts (by place) of the first few."""
    prompts = [prompt for prompt, group in enumerate(answers) for _ in group]
    return {
        flag: {
            "share": len(places) / len(prompts),
            "prompts": sorted({prompts[place] for place in places})[:SHOWN_PROMPTS],
        }
        for flag, places in raised.items()
    }


def compared(found: Evaluation, reader: Reader, other: str) -> dict[str, Any]:
    """The policy against another model before one judge. `shares`: of each prompt's pairs, how many it wins."""
    own, others = found.writings[POLICY], found.writings[other]
    pairs = Comparisons.of(
        *(_columns(answers, lambda one: one.scores[reader.name]) for answers in (own, others)),
        *(_columns(answers, lambda one: float(len(one.text))) for answers in (own, others)),
    )
    won = pairs.win_rate()
    return {
        "against": other,
        "judge": reader.name,
        "standing": reader.standing,
        "win_rate": won.plain(),
        "length_matched_win_rate": pairs.length_matched(found.config.same_length).plain(),
        "verdict": verdict(won),
        "better": score_gain(own, others, reader.name).plain(),
        "shares": pairs.shares(),
    }


def verdict(won: Estimate) -> str:
    """Which side of one half the whole interval is on."""
    if won.low is None or won.high is None or won.low <= 0.5 <= won.high:
        return WITHIN_NOISE
    return "better" if won.low > 0.5 else "worse"


def score_gain(own: Answers, others: Answers, judge: str) -> Estimate:
    """By how much the policy's completions score higher than the other's on the same prompt."""
    gain_B = [
        fmean(one.scores[judge] for one in mine) - fmean(one.scores[judge] for one in theirs)
        for mine, theirs in zip(own, others, strict=True)
    ]
    return Resampler(np.arange(len(gain_B))).mean(np.array(gain_B))


def forgetting(found: Evaluation) -> list[dict[str, Any]]:
    """Perplexity of each held-out text by model; above the reference's is what was forgotten."""
    rows = []
    for text, losses in found.losses.items():
        before = losses.get(REFERENCE)
        rows.append(
            {
                "text": text,
                "tokens": next(iter(losses.values()))[1],
                "perplexity": {name: exp(min(loss, 100.0)) for name, (loss, _) in losses.items()},
                "nats_more_than_reference": {
                    name: loss - before[0] for name, (loss, _) in losses.items() if before and name != REFERENCE
                },
            }
        )
    return rows


def curve(found: Evaluation) -> list[dict[str, Any]]:
    """Every model as a point over the square root of its KL (Gao et al. 2022), nearest to the reference first.

    `seen` has each judge's mean score, on its own scale, and how much its heads differ (`spread`). `judge` is that of
    an independent judge, `proxy` that of the training model, or of whoever else may not judge; the recommended one
    scores highest with the judge, where there is one.
    """
    points: list[dict[str, Any]] = []
    standing = {reader.standing: reader.name for reader in found.readers}
    for name, answers in found.writings.items():
        far = distance(answers) if name != REFERENCE else {"value": 0.0}
        if far is not None:
            point = {"model": name, "kl": far["value"], "sqrt_kl": sqrt(max(0.0, far["value"]))}
            seen = {reader.name: seen_by(answers, reader.name) for reader in found.readers}
            points.append(
                point | {role: seen.get(standing.get(role, "")) for role in ("judge", "proxy")} | {"seen": seen}
            )
    points.sort(key=lambda point: float(point["kl"]))
    by_judge = [point for point in points if point["judge"] is not None]
    best = max(by_judge, key=lambda point: float(point["judge"]["mean"]), default=None)
    return [point | {"recommended": point is best} for point in points]


def seen_by(answers: Answers, judge: str) -> dict[str, float | None]:
    """What one judge thinks of a model, on average; scores of two judges have no scale in common."""
    said = [one for group in answers for one in group]
    spreads = [one.spreads[judge] for one in said if judge in one.spreads]
    return {"mean": fmean(one.scores[judge] for one in said), "spread": fmean(spreads) if spreads else None}


def samples(found: Evaluation) -> list[dict[str, Any]]:
    """The first few prompts with each model's first completion: the same ones at every evaluation."""
    return [
        {
            "prompt_id": one.prompt_id,
            "prompt": one.text,
            "completions": {
                name: {"text": answers[place][0].text, "kl": answers[place][0].kl, "scores": answers[place][0].scores}
                for name, answers in found.writings.items()
            },
        }
        for place, one in enumerate(found.asked[:SHOWN_PROMPTS])
    ]


def headline(told: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of a report that belong beside a run's others."""
    metrics: dict[str, float | None] = {}
    for name, model in told["models"].items():
        plain = {key: model[key] for key in ("stopped", "repetition", "distinct_1", "distinct_2")}
        metrics |= {f"{key}/{name}": value for key, value in plain.items()} | {
            f"tokens/{name}": model["tokens"]["value"]
        }
        if model["kl"] is not None:
            metrics |= {
                f"kl/{name}": model["kl"]["value"],
                f"kl_standard_error/{name}": model["kl"]["standard_error"],
                f"kl_per_token/{name}": model["kl"]["per_token"],
            }
        metrics |= {f"flags/{name}": sum(flag["share"] for flag in model["flags"].values())}
    for row in told["comparisons"]:
        # One that may not judge is named as what it was asked as: there may be two of them.
        by = row["judge"] if row["judge"] == row["standing"] else f"{row['standing']}/{row['judge']}"
        against = f"{by}/{row['against']}"
        metrics[f"win_rate/{against}"] = row["win_rate"]["value"]
        metrics[f"length_matched_win_rate/{against}"] = row["length_matched_win_rate"]["value"]
    for row in told["forgetting"]:
        metrics |= {f"perplexity/{name}": value for name, value in row["perplexity"].items()}
    return metrics


def _columns(answers: Answers, of: Any) -> list[list[float]]:
    return [[of(one) for one in group] for group in answers]
