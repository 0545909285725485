"""The memory that a run takes, worked out before it starts, by what it is for.

Numbers are of 4 bytes on a processor; on a GPU a model that does not learn itself has numbers of 2. Memory is that of
the worst moment, with texts as long as the longest that was looked at, so that what is said to fit does.

Shapes: L = layers, d = width, i = inner width, V = vocabulary.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Final, Literal

from app.runs.shapes import Shape
from app.runs.work import JUDGES, Work

Hardware = Literal["cpu", "cuda"]
HARDWARES: Final[tuple[Hardware, ...]] = ("cpu", "cuda")

NUMBER: Final = 4
# Weights that only read, by hardware.
READING: Final[Mapping[Hardware, int]] = MappingProxyType({"cpu": 4, "cuda": 2})
# Python, torch and transformers before a model is loaded: seen on Linux. A CUDA context: an assumption.
PROGRAM: Final[Mapping[Hardware, int]] = MappingProxyType({"cpu": 450_000_000, "cuda": 600_000_000})
# Gradient and both moments of Adam, in fp32 (Rajbhandari et al. 2020, "ZeRO", §3.1, without its half-precision copies).
LEARNT: Final = 3 * NUMBER
# Numbers that a layer keeps of a token for the backward pass, so many times its width and its inner width: the inputs
# of norms, products and attention, as in Korthikanti et al. 2022, eq. 1, without its dropout and with attention that
# keeps no scores.
KEPT_OF_WIDTH: Final = 16
KEPT_OF_INNER: Final = 6
# The same where all weights learn on a processor: there layers keep less (`workers.rlhf.lean_layers`).
LEAN_OF_WIDTH: Final = 10
LEAN_OF_INNER: Final = 3
# Tokens that go through the model together where a setting leaves it open, and in one piece to the vocabulary's logits.
AT_ONCE: Final[Mapping[Hardware, int]] = MappingProxyType({"cpu": 512, "cuda": 2048})
LOGITS_AT_ONCE: Final[Mapping[Hardware, int]] = MappingProxyType({"cpu": 256, "cuda": 2048})
# Copies of a chunk's logits, and of a row's while a token is drawn from it.
COPIES_OF_LOGITS: Final = 3
COPIES_WHEN_DRAWN: Final = 6
# What a pass takes of a process that keeps freed memory in pieces, for each byte that it needs: seen on Linux, where
# two runs of 26 million weights took 1.80 and 1.32 GB.
IN_PIECES: Final = 1.35
# States that reward training remembers at most on a processor (`workers.rlhf.reward.REMEMBERED_BYTES`).
REMEMBERED: Final = 2**30
# A model on a processor writes from a copy of its matrices up to this size (`workers.rlhf.swift_layers.MOST_BYTES`).
MOST_COPIED: Final = 2**31
# Prompts that policies answer before and after for people to read.
SHOWN: Final = 8

ROUNDS: Final = frozenset({"ppo", "rloo", "grpo"})
TEACHING: Final = frozenset({"sft", "pretrain"})
VIRTUAL: Final = frozenset({"p_tuning", "prefix"})


def memory(work: Work, hardware: Hardware) -> dict[str, int]:
    """Bytes of one process at its worst moment, by what they are for; their sum is what it takes."""
    parts = {
        "program": PROGRAM[hardware],
        "weights": weights(work, hardware),
        "training": training(work),
        "passes": int(IN_PIECES * max(passes(work, hardware), writing(work, hardware))),
    }
    return {name: size for name, size in parts.items() if size}


def weights(work: Work, hardware: Hardware) -> int:
    """All models that are in memory together, each base once where roles share it."""
    copies = COPIES[work.kind](work) if work.kind in COPIES else [work.learner]
    each = NUMBER if work.full else READING[hardware]
    return sum(shape.parameters * each for shape in copies)


def training(work: Work) -> int:
    """Gradients, both moments of Adam, adapters, and the copies of weights that are kept."""
    learnt = trained(work)
    if not learnt:
        return 0
    adapters = 0 if work.full else NUMBER * learnt
    averaged, best = float(work.config.get("ema") or 0) > 0, work.kind in TEACHING and work.config["keep"] != "last"
    return LEARNT * learnt + adapters + (int(averaged) + int(best)) * NUMBER * learnt


def trained(work: Work) -> int:
    """How many weights learn."""
    if work.kind in {"sample", "evaluate"}:
        return 0
    if work.full:
        return work.learner.parameters + sum(shape.parameters for shape in _whole_critic(work))
    shape = work.learner
    if work.config["method"] != "lora":
        return work.number("virtual_tokens") * 2 * shape.kept * shape.layers
    adapters = 2 if work.config.get("value") == "apart" else 1
    return adapters * shape.adapter(work.number("lora_rank"), work.number("lora_layers"))


def passes(work: Work, hardware: Hardware) -> int:
    """What the largest pass keeps for its gradient, one layer's inner states, the logits of a piece, and states that
    are kept between passes.
    """
    shape, together = work.learner, TOGETHER[work.kind](work, hardware) if work.kind in TOGETHER else 0
    lean = hardware == "cpu" and work.full
    of_width, of_inner = (LEAN_OF_WIDTH, LEAN_OF_INNER) if lean else (KEPT_OF_WIDTH, KEPT_OF_INNER)
    layer = of_width * shape.width + of_inner * shape.inner
    kept = learning_layers(work) * layer
    if work.config.get("gradient_checkpointing") == "on":
        kept = shape.layers * shape.width
    logits = min(together, LOGITS_AT_ONCE[hardware]) * shape.vocabulary * COPIES_OF_LOGITS
    to_head = shape.vocabulary * shape.width if work.full and work.kind != "reward" else 0
    return NUMBER * (together * (kept + layer) + logits + to_head) + between_passes(work, hardware)


def learning_layers(work: Work) -> int:
    """Layers that the gradient reaches."""
    if not trained(work):
        return 0
    return work.learner.layers if work.full else work.learner.adapted(work.number("lora_layers"))


def between_passes(work: Work, hardware: Hardware) -> int:
    """States below the lowest adapter, kept for a round's completions or, on a processor, for all that is ranked."""
    if learning_layers(work) in {0, work.learner.layers}:
        return 0
    prompt = NUMBER * work.learner.width * (work.prompt + work.replies * work.reply)
    if work.kind in ROUNDS:
        return work.number("prompts_per_update") * prompt
    return min(REMEMBERED, work.data.rows * prompt) if work.kind == "reward" and hardware == "cpu" else 0


def writing(work: Work, hardware: Hardware) -> int:
    """Keys and values of all completions that are written side by side, 2·L·kept numbers a token (Pope et al. 2022,
    §3.3), one layer's of them twice while they move, and the logits that tokens are drawn from; on a processor also the
    copy that a model writes from.
    """
    if work.kind not in SIDE_BY_SIDE:
        return 0
    rows, reply = SIDE_BY_SIDE[work.kind](work)
    shape = work.learner
    cache = 2 * (shape.layers + 1) * shape.kept * (work.prompt + reply)
    each = NUMBER if work.full else READING[hardware]
    drawn = rows * (each * cache + NUMBER * COPIES_WHEN_DRAWN * shape.vocabulary)
    return drawn + (copied(shape) if hardware == "cpu" else 0)


def copied(shape: Shape) -> int:
    """The copy of its matrices that a model on a processor writes from, where it is not too large to be made."""
    size = NUMBER * (shape.layers * sum(into * out for into, out in shape.matrices) + shape.vocabulary * shape.width)
    return size if size <= MOST_COPIED else 0


def _all(work: Work) -> list[Shape]:
    return [player.shape for player in work.players.values()]


def _pair(work: Work) -> list[Shape]:
    """Full training has its reference apart."""
    return [work.learner] * (2 if work.full else 1)


def _policy_and_judge(work: Work) -> list[Shape]:
    """The same with the reward model, which shares the base where it is an adapter on it."""
    policy, reward = work.players["policy"], work.players["reward"]
    shares = reward.adapter and reward.base == policy.base
    return [*_pair(work), *([] if shares else [reward.shape]), *_whole_critic(work)]


def _whole_critic(work: Work) -> list[Shape]:
    """The copy of a whole reward model that values apart learn on, where all weights do (`cast.with_critic`)."""
    if not work.full or work.config.get("value") != "apart":
        return []
    reward = work.players["reward"]
    return [] if reward.adapter else [reward.shape]


def _compared(work: Work) -> list[Shape]:
    """The writers on their bases, each once; every judge by itself."""
    bases = {player.base: player.shape for player in work.writers.values()}
    return [*bases.values(), *(player.shape for role, player in work.players.items() if role in JUDGES)]


def _two_largest(work: Work) -> list[Shape]:
    """Writers come one after the other; the next is loaded before the last is let go."""
    return sorted(_all(work), key=lambda shape: -shape.parameters)[:2]


COPIES: Final[Mapping[str, Callable[[Work], list[Shape]]]] = MappingProxyType(
    {
        "sft": _all,
        "dpo": _pair,
        **dict.fromkeys((*ROUNDS, "best_of_n"), _policy_and_judge),
        "evaluate": _compared,
        "sample": _two_largest,
    }
)


def _packed(work: Work, hardware: Hardware) -> int:
    """Tokens of a pass over whole texts: a longer one goes alone."""
    longest = min(work.data.longest_prompt + work.data.longest_reply, work.number("max_tokens"))
    step = work.number("rows_per_step") * longest
    return max(longest, min(work.number("tokens_per_forward") or AT_ONCE[hardware], step))


def _windows(work: Work, _hardware: Hardware) -> int:
    step = work.number("rows_per_step") * work.number("context")
    return max(work.number("context"), min(work.number("tokens_per_forward"), step))


def _chunk(work: Work, _hardware: Hardware) -> int:
    """Tokens of the prompts that go through together, each with all its completions."""
    most = work.number("prompts_per_update") or work.number("prompts_per_step") or work.number("prompts")
    return min(work.number("prompts_per_chunk"), most) * (work.prompt + work.replies * work.reply)


def _minibatch(work: Work, hardware: Hardware) -> int:
    """The same of one minibatch. In low precision, as on a GPU, prompts that were read together stay together."""
    whole = _chunk(work, hardware)
    parts = work.number("minibatches") if hardware == "cpu" else 1
    few = ceil(work.number("prompts_per_update") / max(1, parts))
    return min(whole, few * (work.prompt + work.replies * work.reply))


def _ranked(work: Work, hardware: Hardware) -> int:
    """Tokens of a chunk too; where a setting leaves it open, as many prompts as have so many tokens, at least one."""
    if work.number("prompts_per_chunk"):
        return _chunk(work, hardware)
    return max(AT_ONCE["cpu"], work.prompt + work.replies * work.reply)


TOGETHER: Final[Mapping[str, Callable[[Work, Hardware], int]]] = MappingProxyType(
    {
        "sft": _packed,
        "pretrain": _windows,
        "reward": _ranked,
        **dict.fromkeys(ROUNDS, _minibatch),
        **dict.fromkeys(("dpo", "best_of_n", "evaluate"), _chunk),
    }
)


def _shown(work: Work) -> tuple[int, int]:
    return work.number("samples_to_read"), work.number("sample_tokens")


def _chunk_written(work: Work) -> tuple[int, int]:
    return work.number("prompts_per_chunk") * work.replies, work.reply


def _round(work: Work) -> tuple[int, int]:
    """Each process writes for its share of the round's prompts."""
    return ceil(work.number("prompts_per_update") / work.processes) * work.replies, work.reply


# Completions that are written side by side, and their tokens.
SIDE_BY_SIDE: Final[Mapping[str, Callable[[Work], tuple[int, int]]]] = MappingProxyType(
    {
        "sft": _shown,
        "pretrain": _shown,
        "dpo": lambda work: (SHOWN, work.number("shown_tokens")),
        "sample": lambda work: (work.number("rows_per_batch"), work.reply),
        **dict.fromkeys(("evaluate", "best_of_n"), _chunk_written),
        **dict.fromkeys(ROUNDS, _round),
    }
)

# Settings that take less memory, and what they could be: in the order in which they cost least of what is learnt.
SMALLER: Final[Mapping[str, Callable[[Work], int | str]]] = MappingProxyType(
    {
        "prompts_per_chunk": lambda _work: 1,
        "tokens_per_forward": lambda work: max(64, work.number("context")) if work.kind == "pretrain" else 64,
        "rows_per_batch": lambda _work: 4,
        # Virtual tokens' keys and values can't be worked out twice.
        "gradient_checkpointing": lambda work: "off" if work.config.get("method") in VIRTUAL else "on",
        "method": lambda _work: "lora",
        "prompts_per_update": lambda work: max(1, work.number("prompts_per_update") // 4),
        "max_new_tokens": lambda work: max(16, work.number("max_new_tokens") // 4),
        "max_completion_tokens": lambda work: max(32, work.number("max_completion_tokens") // 4),
        "max_prompt_tokens": lambda work: max(64, work.number("max_prompt_tokens") // 4),
        "max_tokens": lambda work: max(128, work.number("max_tokens") // 4),
    }
)
# A setting that saves less than this share of the memory is no advice.
WORTH_SAYING: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Smaller:
    """A setting that takes less memory: its name, what it could be, and the bytes that the run would take then."""

    setting: str
    value: int | str
    memory: int


def smaller(work: Work, hardware: Hardware) -> list[Smaller]:
    """What each setting alone would bring, those that bring most first."""
    now = sum(memory(work, hardware).values())
    found = []
    for setting, propose in SMALLER.items():
        if setting not in work.config or (
            setting == "gradient_checkpointing" and work.config.get("method") == "prefix"
        ):
            continue
        value = propose(work)
        changed = replace(work, config={**work.config, setting: value})
        taken = sum(memory(changed, hardware).values())
        if taken < (1 - WORTH_SAYING) * now:
            found.append(Smaller(setting=setting, value=value, memory=taken))
    return sorted(found, key=lambda one: one.memory)
