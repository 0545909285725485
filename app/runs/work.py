"""What a run has to do, worked out before it starts: which models, which texts, how many tokens.

Shapes: P = prompt tokens, R = completion tokens, K = completions of a prompt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from app.runs.shapes import Shape

JUDGES: Final = frozenset({"judge", "proxy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A model version in a run: its shape, which base weights it sits on, and whether it is an adapter on them."""

    shape: Shape
    base: str
    adapter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a run works on: rows (prompts, demonstrations, ranked tasks), their tokens, and completions of a row.

    `prompt` and `reply` are means, `longest_*` the longest that was looked at.
    """

    rows: int = 0
    prompt: float = 0.0
    longest_prompt: int = 0
    reply: float = 0.0
    longest_reply: int = 0
    replies: float = 1.0
    most_replies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of run with its whole configuration, its models by role, its data, and how many processes share it."""

    kind: str
    config: Mapping[str, Any]
    players: Mapping[str, Player]
    data: Data = field(default_factory=Data)
    processes: int = 1

    def number(self, name: str) -> int:
        """A setting that counts something; 0 where this kind has none of that name."""
        return int(self.config.get(name) or 0)

    @property
    def leading(self) -> Player:
        """The model version that learns or, where none does, that writes."""
        for role in ("base", "policy"):
            if role in self.players:
                return self.players[role]
        return next(iter(self.players.values()))

    @property
    def learner(self) -> Shape:
        """Its shape."""
        return self.leading.shape

    @property
    def writers(self) -> dict[str, Player]:
        """The models that write, of those that are compared."""
        return {role: player for role, player in self.players.items() if role not in JUDGES}

    @property
    def full(self) -> bool:
        """Whether every weight learns."""
        return self.kind == "pretrain" or self.config.get("method") == "full"

    @property
    def prompt(self) -> int:
        """Tokens of the longest prompt that is read."""
        return min(self.data.longest_prompt, self.number("max_prompt_tokens") or self.data.longest_prompt)

    @property
    def mean_prompt(self) -> float:
        """Tokens of a prompt, on the mean."""
        return min(self.data.prompt, self.number("max_prompt_tokens") or self.data.prompt)

    @property
    def reply(self) -> int:
        """Tokens of the longest completion that is written or read."""
        return self.number("max_new_tokens") or min(self.data.longest_reply, self.number("max_completion_tokens"))

    @property
    def replies(self) -> int:
        """Completions of a prompt that are read together."""
        return self.number("samples_per_prompt") or self.data.most_replies

    @property
    def asked(self) -> int:
        """Prompts that one run answers."""
        return min(self.number("prompts"), self.data.rows)


def tokens(work: Work) -> int:
    """Tokens that go through the model in the whole run: each as often as it is written, read or learnt."""
    return int(TOKENS[work.kind](work))


def steps(work: Work, per_step: int) -> tuple[int, int]:
    """Optimizer steps and rows of each, where passes are repeated until the fewest steps are done."""
    each = min(per_step, max(1, work.data.rows))
    return max(work.number("minimum_steps"), work.number("epochs") * ceil(work.data.rows / each)), each


def _of_demonstrations(work: Work) -> float:
    count, each = steps(work, work.number("rows_per_step"))
    return count * each * min(work.number("max_tokens"), work.data.prompt + work.data.reply)


def _of_rankings(work: Work) -> float:
    count, each = steps(work, work.number("prompts_per_step"))
    reply = min(work.data.reply, work.number("max_completion_tokens"))
    return count * each * (work.mean_prompt + work.data.replies * reply)


def _of_rounds(work: Work) -> float:
    """Each round's completions are written, and read once an epoch."""
    prompts = work.number("updates") * work.number("prompts_per_update")
    return (1 + work.number("epochs")) * prompts * (work.mean_prompt + work.replies * work.reply)


def _of_best(work: Work) -> float:
    learnt = work.number("epochs") * work.number("keep") * (work.mean_prompt + work.reply)
    return work.asked * (work.mean_prompt + work.replies * work.reply + learnt)


def _of_samples(work: Work) -> float:
    return work.asked * (work.mean_prompt + work.number("completions_per_prompt") * work.reply)


def _of_evaluation(work: Work) -> float:
    """Each model's completions are written, and read once for the distance."""
    return 2 * len(work.writers) * work.asked * (work.mean_prompt + work.replies * work.reply)


def _of_text(work: Work) -> float:
    return work.number("steps") * work.number("rows_per_step") * work.number("context")


TOKENS: Final[Mapping[str, Callable[[Work], float]]] = MappingProxyType(
    {
        "sft": _of_demonstrations,
        "reward": _of_rankings,
        "dpo": _of_rankings,
        "ppo": _of_rounds,
        "rloo": _of_rounds,
        "grpo": _of_rounds,
        "best_of_n": _of_best,
        "sample": _of_samples,
        "evaluate": _of_evaluation,
        "pretrain": _of_text,
    }
)
