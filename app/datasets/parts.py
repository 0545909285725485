"""Which judgments teach reward models, and which are held back for the judges of policies. Pure.

A policy may only be judged by a model that neither trained nor chose it. So where the loop asks such a judge, every
judgment belongs to one side by rule, never by lot: prompt groups by their hash, 40 of 100 to the judge, and, where
people are kept apart too, people by the order in which they came, two of every five. What is on neither side (a prompt
of one and a person of the other) teaches nobody.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

PERCENT_HELD_BACK: Final = 40
# Of five people who come one after the other; so that of two who judge, each side has one.
HELD_BACK_OF_FIVE: Final = (1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One side. `people` are the judge's annotators, None where people are not kept apart.

    The judge learns from no prompt group in `groups_behind` and nobody in `people_behind`: they had a hand in what it
    is to judge, by whatever rule that was made.
    """

    name: Literal["reward", "judge"]
    people: frozenset[int] | None = None
    groups_behind: frozenset[str] = frozenset()
    people_behind: frozenset[int] = frozenset()

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a judgment, given as its canonical record, is on this side."""
        is_judges = self.name == "judge"
        if is_held_back(record["group"]) != is_judges or record["group"] in self.groups_behind:
            return False
        if self.people is None:
            return True
        return (record["annotator"] in self.people) == is_judges and record["annotator"] not in self.people_behind

    @property
    def empty(self) -> str:
        """Why there may be nothing to learn from on this side, for a person to read."""
        apart = "" if self.people is None else " and of people"
        if self.name == "judge":
            return f"none on the {PERCENT_HELD_BACK} % of prompts{apart} held back for a judge is apart from the policy"
        return f"{PERCENT_HELD_BACK} % of the prompts{apart} are held back for the judge of policies"


def is_held_back(group: str) -> bool:
    """Whether a prompt group, named by its hash in hex, is the judge's. It is another hash than that of the splits."""
    hashed = hashlib.sha256(f"judge:{group}".encode()).digest()
    return int.from_bytes(hashed[:8]) % 100 < PERCENT_HELD_BACK


def people_held_back(annotators: Sequence[int]) -> frozenset[int]:
    """The judge's people among all, who are given in the order of their first judgments."""
    return frozenset(one for place, one in enumerate(annotators) if place % 5 in HELD_BACK_OF_FIVE)
