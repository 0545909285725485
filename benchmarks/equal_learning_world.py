"""The little world of `equal_learning`: a language, people who write in it, and what makes a text good.

Things are described with warm and cold words, about as many of each (the words of `tests/sanity/meadow.py`). Gold is
warm words less cold ones; simulated people rank by it, a reward model learns from them, and no policy sees it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.sanity.meadow import COLD, WARM, warmth

THINGS: Final = (
    *("river", "garden", "house", "road", "winter", "market", "teacher", "train", "forest", "letter", "bridge", "sea"),
    *("tree", "boat", "wind", "door", "hill", "song", "table", "night", "lamp", "field", "rain", "town"),
)
ASKS: Final = (
    *("What about the {}?", "Describe the {}.", "Is the {} good?", "Tell me of the {}."),
    *("How is the {}?", "Do you like the {}?", "Say more of the {}.", "What is the {}?"),
    *("Who likes the {}?", "Is that the {}?", "Why the {}?", "Think of the {}."),
    *("Name the {}.", "And the {}?", "Look at the {}.", "So, the {}?"),
)
# Of three things, one is for learning.
LEARNT_SHARE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How long people's answers are, and how much of the world there is.

    Where answers are longer than completions may be, none comes to its end.
    """

    shortest: int = 1
    longest: int = 6
    things: int = len(THINGS)
    asks: int = len(ASKS)

    def prompts(self, split: str) -> list[str]:
        """What is asked, in `train` or in `test`: no thing is in both."""
        learnt = max(1, self.things // LEARNT_SHARE)
        things = THINGS[:learnt] if split == "train" else THINGS[learnt : self.things]
        return [ask.format(thing) for thing in things for ask in ASKS[: self.asks]]

    def exchanges(self) -> list[tuple[str, str]]:
        """Everything that people said: what the model reads before anything else."""
        draw = random.Random(0)  # noqa: S311 -- a simulation
        asked = [ask.format(thing) for thing in THINGS[: self.things] for ask in ASKS[: self.asks]]
        return [(prompt, self._answer(draw)) for prompt in asked]

    def _answer(self, draw: random.Random) -> str:
        # No answer names its thing: a model as small as this names any, and which one would be distance without gold.
        words = [draw.choice(WARM + COLD) for _ in range(draw.randint(self.shortest, self.longest))]
        return "It is " + " and ".join(words) + "."


def gold(text: str) -> float:
    """Warm words less cold ones."""
    return warmth(text)


def ranking(number: int, prompt: str, texts: Sequence[str]) -> dict[str, Any]:
    """What somebody says of a prompt's completions: ranks by gold, equal ones tie; a line of a file of rankings."""
    better = sorted({gold(text) for text in texts}, reverse=True)
    return {
        "prompt_id": str(number),
        "group": prompt,
        "prompt": prompt,
        "completions": [{"text": text} for text in texts],
        "annotations": [{"annotator": "simulated", "ranks": [better.index(gold(text)) + 1 for text in texts]}],
    }
