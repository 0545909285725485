"""Write n completions of each prompt, keep those that the reward model likes best, and learn them: rejection sampling
(Touvron et al. 2023, §3.2.3), one round of expert iteration.

The best of n has at most log n - (n - 1) / n nats of distance from the policy that wrote (Stiennon et al. 2020,
appendix G.3): the cheapest policy there is at that distance, and what others are measured against.

Shapes: N = completions of some prompts.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean
from typing import Any, Final

from torch import Tensor

from workers.rlhf.alternative_configs import BestOfNConfig
from workers.rlhf.cast import Cast
from workers.rlhf.packing import Row
from workers.rlhf.rollout import Question, answer, judge, paid
from workers.rlhf.sampling import row_seed, text_of

ROLE: Final = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One completion with its score, and whether it is among the best of its prompt."""

    prompt_id: int | str
    index: int
    ids: list[int]
    text: str
    seed: int
    stopped: bool
    logprob: float
    score: float
    paid: float
    chosen: bool

    def event(self) -> dict[str, Any]:
        """What is told of it."""
        return {
            "type": "completion",
            "prompt_id": self.prompt_id,
            "model": ROLE,
            "sample_index": self.index,
            "text": self.text,
            "seed": self.seed,
            "finish_reason": "stop" if self.stopped else "length",
            "token_count": len(self.ids),
            "logprob": self.logprob,
            "score": self.score,
            "chosen": self.chosen,
        }


def write(cast: Cast, questions: Sequence[Question], config: BestOfNConfig, *, seed: int) -> Iterator[list[Candidate]]:
    """All completions of a few prompts at a time, judged."""
    count = config.samples_per_prompt
    for first in range(0, len(questions), config.prompts_per_chunk):
        asked = questions[first : first + config.prompts_per_chunk]
        answers = answer(cast, asked, config, count=count, seed=(seed,), first=first)
        score_N = judge(cast, answers, config)
        paid_N = paid(score_N, answers, config)
        kept = set(best(paid_N, answers.batch.owner_N, config.keep))
        yield [
            Candidate(
                prompt_id=asked[place // count].prompt_id,
                index=place % count,
                ids=done.ids,
                text=text_of(cast.policy.model.chat, done),
                seed=row_seed(seed, asked[place // count].prompt_id, first * count + place),
                stopped=done.ended,
                logprob=sum(done.logprobs),
                score=float(score_N[place]),
                paid=float(paid_N[place]),
                chosen=place in kept,
            )
            for place, done in enumerate(answers.completions)
        ]


def best(score_N: Tensor, owner_N: Tensor, keep: int) -> Iterator[int]:
    """Places of the `keep` best completions of each prompt; of equal ones the first."""
    for prompt in sorted(set(owner_N.tolist())):
        places = (owner_N == prompt).nonzero()[:, 0].tolist()
        yield from sorted(places, key=lambda place: (-float(score_N[place]), place))[:keep]


def lessons(questions: Sequence[Question], candidates: Sequence[Candidate]) -> list[Row]:
    """The chosen completions as texts of which only the completion is learnt: the very tokens that were written."""
    asked = {question.prompt_id: question.ids for question in questions}
    return [
        Row(
            [*asked[one.prompt_id], *one.ids],
            [False] * len(asked[one.prompt_id]) + [True] * len(one.ids),
            f"prompt {one.prompt_id}",
        )
        for one in candidates
        if one.chosen
    ]


def describe(candidates: Sequence[Candidate], config: BestOfNConfig) -> dict[str, float]:
    """What was written and what was kept of it; distances in nats, scores in within-prompt SDs."""
    chosen = [one for one in candidates if one.chosen]
    n = config.samples_per_prompt
    return {
        "completions": float(len(candidates)),
        "chosen": float(len(chosen)),
        "scores/all": fmean(one.score for one in candidates),
        "scores/chosen": fmean(one.score for one in chosen),
        "response/tokens": fmean(len(one.ids) for one in candidates),
        "response/stopped": fmean(one.stopped for one in candidates),
        "kl/best_of_n": best_of_n_kl(n),
    }


def best_of_n_kl(n: int) -> float:
    """Nats between the best of n and the policy that wrote them, at most: log n - (n - 1) / n."""
    return log(n) - (n - 1) / n


def as_bytes(candidates: Sequence[Candidate]) -> bytes:
    """Candidates as JSON lines."""
    lines = [{name: getattr(one, name) for name in Candidate.__slots__} for one in candidates]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def from_bytes(content: bytes) -> list[Candidate]:
    """Candidates from JSON lines."""
    return [Candidate(**json.loads(line)) for line in content.decode().splitlines()]
