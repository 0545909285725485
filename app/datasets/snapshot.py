"""What makes a dataset the same dataset, and what may be in it. Pure: no database, no clock."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.errors import Conflict

TRAINING_SPLITS: Final = ("train", "validation")


class SplitLeak(Conflict):
    """Data that must stay unseen would get into training."""

    slug, title = "split-leak", "A split would leak into training"


def canonical_line(record: Mapping[str, Any]) -> bytes:
    """One record as UTF-8 JSON with sorted keys, no spaces, ending in a newline: equal records give equal bytes."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


class ContentHash:
    """SHA-256 over canonical lines in the order given."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in the next record."""
        self._digest.update(canonical_line(record))

    def hexdigest(self) -> str:
        """The hash of all records so far, in hex."""
        return self._digest.hexdigest()


def content_hash(records: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256, in hex, of the canonical lines of `records`."""
    total = ContentHash()
    for record in records:
        total.add(record)
    return total.hexdigest()


def check_training_split(split: str, prompt_id: int) -> None:
    """Raise `SplitLeak` when a prompt of the test split would be trained on."""
    if split not in TRAINING_SPLITS:
        raise SplitLeak(
            f"prompt {prompt_id} is in the {split} split and may never be trained on",
            advice="Freeze the dataset anew; a snapshot for training holds train and validation prompts only.",
        )


def check_groups(split_and_group: Iterable[tuple[str, str]]) -> None:
    """Raise `SplitLeak` when near-duplicate prompts (one group) are in more than one split."""
    splits: dict[str, set[str]] = defaultdict(set)
    for split, group in split_and_group:
        splits[group].add(split)
    for group, found in splits.items():
        if len(found) > 1:
            raise SplitLeak(
                f"prompts of group {group[:12]} are in the splits {' and '.join(sorted(found))}",
                advice="Retire the prompts of that group, or upload them again with one group name.",
            )
