"""Ties × annotators on cached features: heads on the states of a frozen model, one debate left out at a time.

Shapes: T = texts, d = features, N = items, M = judgments. Each head is trained by L-BFGS on the engine's own loss; its
penalty, and how far annotators may differ, are those that foretell the validation debates best.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.reward_quality_data import debate_of, read_items
from workers.rlhf import judging
from workers.rlhf.annotators import names_of
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.evidence import Evidence, Scored
from workers.rlhf.judging import Reading
from workers.rlhf.pairs import Judgment, Pair, RankedPrompt, pair_batch
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.reward_run import tie_rate

PENALTIES = (0.003, 0.03, 0.3)
SPREADS = (0.3, 1.0)
ITERATIONS = 60
DIRECTIONS = 256
VALIDATION_DEBATES = 2
RANDOM_SHARE = 0.3
RANDOM = "random people"
LEFT_OUT = "random people left out"
TIES = ("drop", "half", "rao_kupper", "davidson")
PEOPLE = ("majority", "equal", "parameters")


@dataclass(frozen=True, slots=True)
class Arm:
    """How ties and people count, and what was done to the training judgments: nothing, or a control."""

    ties: str
    people: str
    control: str = ""

    @property
    def name(self) -> str:
        """The arm in words."""
        return " ".join(filter(None, [self.ties, self.people, self.control]))

    def configs(self) -> list[RewardConfig]:
        """The settings to choose from."""
        if self.people == "parameters":
            return [
                RewardConfig(ties=self.ties, annotators="parameters", annotator_spread=spread)  # type: ignore[arg-type]
                for spread in SPREADS
            ]
        overlap = "majority" if self.people == "majority" else "soft"
        return [RewardConfig(ties=self.ties, overlap=overlap)]  # type: ignore[arg-type]


BASELINE = Arm("drop", "majority")
FACTORIAL = tuple(Arm(ties, people) for ties in TIES for people in PEOPLE)
CONTROLS = (
    Arm("rao_kupper", "parameters", "permuted"),
    *(Arm("rao_kupper", people, RANDOM) for people in PEOPLE),
)
CARELESS = (*CONTROLS[1:], Arm("rao_kupper", "majority", LEFT_OUT), Arm("rao_kupper", "parameters", LEFT_OUT))


@dataclass(frozen=True, slots=True)
class Debates:
    """All items with the features of their completions, and which debate each belongs to."""

    prompts: Sequence[RankedPrompt]
    feature_Td: Tensor
    place_N2: Tensor
    debate: Sequence[str]

    @classmethod
    def read(cls, rankings: Path, features: Path, folds: int) -> Self:
        """Features are brought to mean 0 and SD 1 over all texts, then turned so that few directions hold nearly all
        there is; no label is looked at.
        """
        saved = load_file(features)
        prompts = read_items(rankings, folds).prompts
        feature_Td = saved["features"].double()
        feature_Td = (feature_Td - feature_Td.mean(dim=0)) / feature_Td.std(dim=0).clamp(min=1e-6)
        left, size, _ = torch.linalg.svd(feature_Td / feature_Td.size(1) ** 0.5, full_matrices=False)
        turned_Td = (left * size)[:, :DIRECTIONS].contiguous()
        return cls(prompts, turned_Td, saved["place"], [debate_of(p) for p in prompts])

    def scored(self, weight_d: Tensor, places: Sequence[int]) -> list[Scored]:
        """Some items with the scores that a head gives."""
        score_T = (self.feature_Td @ weight_d).float()
        return [Scored(self.prompts[place], score_T[self.place_N2[place]]) for place in places]


@dataclass(frozen=True, slots=True)
class Places:
    """Which items are learnt from, chosen by and tested on."""

    train: list[int]
    validation: list[int]
    test: list[int]


def work(plan: dict[str, Any]) -> dict[str, Any]:
    """Do repeat after repeat, each written to a file of its own when it is done."""
    torch.set_num_threads(1)
    debates = Debates.read(Path(plan["rankings"]), Path(plan["features"]), plan["folds"])
    arms = CARELESS if plan.get("careless") else (*FACTORIAL, *CONTROLS)
    for name, repeat, items in plan["todo"]:
        path = Path(plan["results"]) / name
        found = list(repeated(debates, repeat, items, plan["tested"], arms))
        path.with_suffix(".part").write_text(json.dumps(found), encoding="utf-8")
        path.with_suffix(".part").rename(path)
    return {"done": len(plan["todo"])}


def repeated(debates: Debates, repeat: int, items: int, tested: int, arms: Sequence[Arm]) -> Iterator[dict[str, Any]]:
    """One row for each debate left out and each arm: held-out log loss per judgment, and accuracy on decided ones."""
    for number, debate in enumerate(sorted(set(debates.debate))[:tested]):
        places = placed(debates, debate, items, seed=repeat)
        known = {part: Known.of(debates, getattr(places, part)) for part in ("validation", "test")}
        for arm in arms:
            prompts = controlled(
                [debates.prompts[place] for place in places.train], arm.control, seed=1000 * repeat + number
            )
            yield {"repeat": repeat, "debate": debate, "arm": arm.name} | best(debates, arm, prompts, places, known)


def zeros(debates: Debates) -> Tensor:
    """A head that says nothing."""
    return debates.feature_Td.new_zeros(debates.feature_Td.size(1))


def placed(debates: Debates, debate: str, items: int, *, seed: int) -> Places:
    """The debate left out is tested on, two others drawn at random choose, and items drawn from the rest teach."""
    draw = random.Random(f"{seed}:{debate}")  # noqa: S311 -- which items, not secrets
    others = sorted(set(debates.debate) - {debate})
    choosing = set(draw.sample(others, VALIDATION_DEBATES))
    known = [place for place, own in enumerate(debates.debate) if own != debate and own not in choosing]
    return Places(
        train=draw.sample(known, min(items, len(known))),
        validation=[place for place, own in enumerate(debates.debate) if own in choosing],
        test=[place for place, own in enumerate(debates.debate) if own == debate],
    )


def controlled(prompts: Sequence[RankedPrompt], control: str, *, seed: int) -> list[RankedPrompt]:
    """The training items as they are, with annotators' names permuted, with some people's answers at random, or
    without those same people.
    """
    draw = random.Random(seed)  # noqa: S311 -- a control, not secrets
    if control == "permuted":
        names = [entry.annotator for prompt in prompts for entry in prompt.judgments]
        draw.shuffle(names)
        left = iter(names)
        return [rejudged(prompt, [replace(e, annotator=next(left)) for e in prompt.judgments]) for prompt in prompts]
    if control:
        people = names_of(prompts)
        careless = set(draw.sample(people, int(RANDOM_SHARE * len(people))))
        if control == LEFT_OUT:
            return [rejudged(p, [e for e in p.judgments if e.annotator not in careless]) for p in prompts]
        ranks = ((1, 2), (2, 1), (1, 1))
        return [
            rejudged(
                prompt,
                [replace(e, ranks=draw.choice(ranks)) if e.annotator in careless else e for e in prompt.judgments],
            )
            for prompt in prompts
        ]
    return list(prompts)


def rejudged(prompt: RankedPrompt, judgments: Sequence[Judgment]) -> RankedPrompt:
    """The same two completions with other judgments."""
    pairs = []
    for entry in judgments:
        first, second = (0, 1) if (entry.ranks[0] or 0) <= (entry.ranks[1] or 0) else (1, 0)
        pairs.append(Pair(first, second, entry.ranks[0] == entry.ranks[1], entry.annotator))
    return replace(prompt, judgments=tuple(judgments), pairs=tuple(pairs))


@dataclass(frozen=True, slots=True)
class Known:
    """Judgments to foretell, with the rows of the features of the preferred completion and of the other."""

    evidence: Evidence
    first_M: Tensor
    second_M: Tensor

    @classmethod
    def of(cls, debates: Debates, places: Sequence[int]) -> Self:
        """All judgments of some items."""
        evidence = Evidence.of(debates.scored(zeros(debates), places))
        row = {id(debates.prompts[place]): debates.place_N2[place].tolist() for place in places}
        both = [(row[id(one.prompt)][one.pair.first], row[id(one.prompt)][one.pair.second]) for one in evidence.said]
        first_M, second_M = torch.tensor(both).T
        return cls(evidence, first_M, second_M)

    def margins(self, debates: Debates, weight_d: Tensor) -> judging.Numbers:
        """Preferred minus other score of each judgment."""
        score_T = debates.feature_Td @ weight_d
        return np.asarray((score_T[self.first_M] - score_T[self.second_M]).numpy())


def best(
    debates: Debates, arm: Arm, prompts: Sequence[RankedPrompt], places: Places, known: dict[str, Known]
) -> dict[str, Any]:
    """The arm's held-out figures with the settings that foretell the validation debates best."""
    found = []
    choosing = known["validation"]
    for config in arm.configs():
        head = Head(debates, config, prompts, places.train)
        for penalty in PENALTIES:
            weight_d = head.fitted(penalty)
            margin_M, tie_M = choosing.margins(debates, weight_d), choosing.evidence.tie_M
            reading = judging.refit(margin_M, tie_M, choosing.evidence.weight_M)
            found.append((float(reading.losses(margin_M, tie_M).mean()), reading, weight_d, config, penalty))
    _, reading, weight_d, config, penalty = min(found, key=lambda one: one[0])
    said = figures(reading, known["test"].margins(debates, weight_d), known["test"].evidence)
    return said | {"spread": config.annotator_spread, "penalty": penalty}


def figures(reading: Reading, margin_M: judging.Numbers, test: Evidence) -> dict[str, Any]:
    """Mean log loss per judgment, and accuracy on decided judgments."""
    decided = ~test.tie_M
    return {
        "log_loss": float(reading.losses(margin_M, test.tie_M).mean()),
        "accuracy": float(judging.right(margin_M[decided]).mean()),
        "judgments": len(test),
    }


class Head:
    """A head on fixed features, and the engine's loss of what was said about the training items."""

    def __init__(
        self, debates: Debates, config: RewardConfig, prompts: Sequence[RankedPrompt], places: Sequence[int]
    ) -> None:
        self.debates = debates
        self.config = config
        self.course = Course.of(prompts, config, seed=0)
        self.rate = tie_rate(list(prompts))
        self.pairs = pair_batch(self.course.prompts, self.course.weighing)
        # A course keeps the prompts that say something, in order; majorities are prompts of their own.
        names = {prompt.prompt_id for prompt in self.course.prompts}
        kept = [place for place, prompt in zip(places, prompts, strict=True) if prompt.prompt_id in names]
        self.row_N = debates.place_N2[kept].flatten()

    def fitted(self, penalty: float) -> Tensor:
        """The weights [d] under which the training judgments are likeliest, less the penalty on their size."""
        people = names_of(self.course.prompts) if self.config.annotators == "parameters" else ()
        likelihood = Likelihood(self.config, tie_rate=self.rate, annotators=people).double()
        weight_d = zeros(self.debates).requires_grad_()
        unknown = [weight_d, *likelihood.parameters()]
        optimizer = torch.optim.LBFGS(unknown, max_iter=ITERATIONS, line_search_fn="strong_wolfe")
        count = len(self.course.prompts) * self.course.mean_weight

        def closure() -> float:
            optimizer.zero_grad()
            score_N = (self.debates.feature_Td @ weight_d)[self.row_N]
            said = (likelihood.of_pairs(score_N, self.pairs) * self.pairs.weight_M).sum() + likelihood.penalty()
            loss = said / count + penalty * (weight_d**2).mean()
            torch.autograd.backward(loss)
            return float(loss.detach())

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return weight_d.detach()
