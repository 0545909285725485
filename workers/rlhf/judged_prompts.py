"""Which prompts' judgments are behind a model: what tells whether a reward model may judge it.

A reward or policy artifact names every prompt whose judgments it, or a model it came from, learnt from or was chosen
by. Two models whose prompts are disjoint share no judgment; hashes of whole files could not tell, because a file of
510 judgments and the one of 500 that it grew from have nothing in common.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from workers.rlhf.artifacts import read_description
from workers.rlhf.data import Messages

FILE: Final = "judged_prompts.txt"
# Hexadecimal digits of a prompt's SHA-256: 64 bits, so that among millions of prompts hardly two are taken for one.
DIGITS: Final = 16


def fingerprint(messages: Messages) -> str:
    """A prompt's name: the same for the same conversation, wherever it is judged."""
    said = [[message["role"], message["content"]] for message in messages]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:DIGITS]


def judged_behind(folder: Path) -> frozenset[str] | None:
    """Fingerprints of the prompts whose judgments are behind a model; None where nobody wrote them down.

    Bases and models that learnt from demonstrations alone have none behind them.
    """
    if (folder / FILE).is_file():
        return frozenset((folder / FILE).read_text(encoding="ascii").split())
    description = read_description(folder)
    untouched = description.kind in {"base", "sft"} and not description.rewarded_by
    return frozenset() if untouched else None


def write_judged(out: Path, learnt_from: Iterable[Messages], *before: Path) -> None:
    """Name what is behind a new model: prompts that it learnt from, and all that is behind the models before it.

    Where that is not known of one of them, nothing is written.
    """
    found = {fingerprint(messages) for messages in learnt_from}
    for folder in before:
        known = judged_behind(folder)
        if known is None:
            return
        found |= known
    (out / FILE).write_text("".join(f"{name}\n" for name in sorted(found)), encoding="ascii")
