"""How urgent a run is: three levels for people, between which the loop's own runs may lie. Smaller numbers go first."""

from types import MappingProxyType
from typing import Final, Literal

Level = Literal["urgent", "normal", "background"]

# Completions that people wait for go before training.
URGENT: Final = 10
NORMAL: Final = 100
BACKGROUND: Final = 200
NUMBERS: Final[MappingProxyType[Level, int]] = MappingProxyType(
    {"urgent": URGENT, "normal": NORMAL, "background": BACKGROUND}
)


def level_of(priority: int) -> Level:
    """The level that a run's number belongs to."""
    if priority < NORMAL:
        return "urgent"
    return "normal" if priority == NORMAL else "background"
