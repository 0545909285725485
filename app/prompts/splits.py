"""Which split a prompt belongs to: decided once, by the hash of its group, so that kindred prompts never part. Pure."""

import hashlib
import unicodedata
from typing import Literal

Split = Literal["train", "validation", "test"]
# Percent of all groups, added up: 80 train, 10 validation, 10 test.
TRAIN_BELOW, VALIDATION_BELOW = 80, 90


def group_hash(group: str | None, first_user_turn: str) -> bytes:
    """SHA-256 of what keeps prompts together: the group's given name, else the first user turn, normalised."""
    named = f"group:{group}" if group is not None else f"turn:{normalised(first_user_turn)}"
    return hashlib.sha256(named.encode()).digest()


def split_of(hashed_group: bytes) -> Split:
    """The split of a group: its hash's first 8 bytes, as a number, modulo 100."""
    percent = int.from_bytes(hashed_group[:8]) % 100
    if percent < TRAIN_BELOW:
        return "train"
    return "validation" if percent < VALIDATION_BELOW else "test"


def normalised(text: str) -> str:
    """Text without its differences in case, white space and the composing of accents."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
