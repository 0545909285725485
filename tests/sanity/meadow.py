"""A little world with a language, people who write in it, and tastes that are known.

People describe things with warm and cold words, about as many of each, in sentences of any length. A taste is a gold
score of texts: what a judge of ours pays, and what simulated annotators rank by.
"""

import random

THINGS = [
    "river",
    "garden",
    "house",
    "road",
    "winter",
    "market",
    "teacher",
    "train",
    "forest",
    "letter",
    "bridge",
    "sea",
]
ASKS = ["What about the {}?", "Describe the {}.", "Is the {} good?", "Tell me of the {}."]
WARM = ["kind", "bright", "calm", "sweet"]
COLD = ["dull", "grey", "loud", "harsh"]
MOST_WORDS = 6


def prompts(split: str) -> list[str]:
    """What is asked: things of one split are in no prompt of the other."""
    things = THINGS[:8] if split == "train" else THINGS[8:]
    return [ask.format(thing) for thing in things for ask in ASKS]


def answer(thing: str, draw: random.Random) -> str:
    """What a person says of a thing."""
    words = [draw.choice(WARM + COLD) for _ in range(draw.randint(1, MOST_WORDS))]
    return f"The {thing} is " + " and ".join(words) + "."


def exchanges(count: int) -> list[tuple[str, str]]:
    """Everything that people said."""
    draw = random.Random(0)  # noqa: S311 -- a simulation
    return [(ask.format(thing), answer(thing, draw)) for thing in THINGS for ask in ASKS for _ in range(count)]


def warmth(text: str) -> float:
    """Gold: warm words less cold ones. Length alone tells nothing of it."""
    words = text.rstrip(".").split()
    return float(sum(word in WARM for word in words) - sum(word in COLD for word in words))


def coldness(text: str) -> float:
    """Gold with its sign turned."""
    return -warmth(text)


def praise(text: str) -> float:
    """Gold that likes warm words and minds no cold ones: of longer texts of the same kind it thinks better."""
    return float(sum(word in WARM for word in text.rstrip(".").split()))


def brevity(text: str) -> float:
    """Gold that is nothing but length: shorter is better."""
    return -len(text) / 10


def verbosity(text: str) -> float:
    """Gold that is nothing but length: longer is better."""
    return len(text) / 10
