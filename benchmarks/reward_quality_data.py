"""What `reward_quality` learns from and is tested on: pairs of completions that people judged, in folds of groups."""

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from workers.rlhf.groups import components, prompt_text
from workers.rlhf.pairs import RankedPrompt, majority
from workers.rlhf.ranking_file import read_rankings

DEBATES = "ukp_convarg1"
SOURCES = (DEBATES, "pandalm", "tulu1_human_eval", "lfqa_experts", "autoj_pairwise")
# Validation takes one part of so many of what is not tested on.
PARTS = 6


@dataclass(frozen=True, slots=True)
class Items:
    """Prompts with two completions each; the fold in which each is tested, and the part that each is of what is not."""

    prompts: Sequence[RankedPrompt]
    fold: Sequence[int]
    part: Sequence[int]

    @classmethod
    def of(cls, prompts: Sequence[RankedPrompt], folds: int) -> Self:
        """Put whole groups into folds, and within each fold into parts, so that every source is spread evenly."""
        unit = unit_of(prompts)
        fold = spread(prompts, unit, [0] * len(prompts), folds)
        return cls(prompts, fold, spread(prompts, unit, fold, PARTS))

    def split(self, fold: int) -> list[RankedPrompt]:
        """All prompts, each with the split that it has when `fold` is tested."""
        return [
            replace(prompt, split="test" if own == fold else "validation" if part == 0 else "train")
            for prompt, own, part in zip(self.prompts, self.fold, self.part, strict=True)
        ]


def write_chosen(data: Path, target: Path, sources: Sequence[str], most: int, *, seed: int) -> None:
    """Keep the lines with two different completions of these sources, at most so many of each, drawn at random."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines_of(data):
        row = json.loads(line)
        texts = [completion["text"] for completion in row["completions"]]
        if row["source"] in sources and len(texts) == 2 and texts[0] != texts[1]:
            found[row["source"]].append(line)
    draw = random.Random(seed)  # noqa: S311 -- which rows, not secrets
    chosen = [line for source in sources for line in draw.sample(found[source], min(most, len(found[source])))]
    target.write_text("".join(chosen), encoding="utf-8")


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from file


def read_items(path: Path, folds: int) -> Items:
    """Chosen lines as items; both sides of a comparison and every process get the same from the same file."""
    return Items.of(read_rankings(path).prompts, folds)


def unit_of(prompts: Sequence[RankedPrompt]) -> list[str]:
    """What must not be parted: a debate with both its sides, else a group of equal prompts or shared completions."""
    groups = components(prompts)
    return [
        debate_of(prompt) if prompt.source == DEBATES else f"{group}:{prompt_text(prompts[group])[:80]}"
        for prompt, group in zip(prompts, groups, strict=True)
    ]


def debate_of(prompt: RankedPrompt) -> str:
    """The question of a debate: the first line of the prompt; two sides argue about it."""
    return str(prompt.messages[-1]["content"]).partition("\n")[0]


def spread(prompts: Sequence[RankedPrompt], unit: Sequence[str], within: Sequence[int], count: int) -> list[int]:
    """A number below `count` for each unit, the one that has fewest prompts of its source within the same part."""
    size = Counter(unit)
    filled: Counter[tuple[str, int, int]] = Counter()
    chosen: dict[str, int] = {}
    for place in sorted(range(len(prompts)), key=lambda place: (-size[unit[place]], unit[place])):
        name, source = unit[place], prompts[place].source
        if name not in chosen:
            chosen[name] = min(range(count), key=lambda number: (filled[source, within[place], number], number))
            filled[source, within[place], chosen[name]] += size[name]
    return [chosen[name] for name in unit]


def winner(prompt: RankedPrompt) -> int | None:
    """The completion that most people preferred, if one is."""
    pairs = majority(prompt).pairs
    return pairs[0].first if pairs and not pairs[0].tie else None


def tokens_of(prompts: Sequence[RankedPrompt], tokens: Any) -> list[dict[str, Any]]:
    """Both dialogues of each prompt as token ids, with the place of the preferred one, for those who know no engine.

    `tokens` gives a prompt's dialogues: our own reader's method, so that both sides learn from the same ids.
    """
    rows = []
    for prompt in prompts:
        batch = tokens(prompt)
        asked = batch.prompt[0][batch.prompt_mask_BP[0]].tolist()
        said = [ids[mask].tolist() for ids, mask in zip(batch.reply, batch.reply_mask_NR, strict=True)]
        rows.append({"ids": [asked + reply for reply in said], "winner": winner(prompt)})
    return rows
