"""An evaluation as the command line asks for it."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from workers.rlhf.artifacts import DESCRIPTION, read_description
from workers.rlhf.by_hand import Asked
from workers.rlhf.configs import config_from
from workers.rlhf.models import BASE

FILES: Final = ("data", "text", "flags")


def add_words(words: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    words.add_argument("--model", type=Path, required=True, metavar="DIR", help="the policy")
    words.add_argument(
        "--reference", type=Path, metavar="DIR", help="what it came from; left out, the base below its adapter"
    )
    words.add_argument(
        "--against", type=Path, action="append", default=[], metavar="DIR", help="another version; may be said again"
    )
    words.add_argument("--judge", type=Path, metavar="DIR", help="reward model that no model here was trained with")
    words.add_argument("--proxy", type=Path, metavar="DIR", help="reward model that the policy was trained with")
    words.add_argument("--data", type=Path, required=True, metavar="FILE", help="held-out prompts, JSON lines")
    words.add_argument("--text", type=Path, metavar="FILE", help="held-out text: what was forgotten of it")
    words.add_argument("--flags", type=Path, metavar="FILE", help="what to flag, NAME: PATTERN a line")
    words.add_argument("--config", type=Path, metavar="FILE", help="JSON file with settings")
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; wins")
    words.add_argument("--out", type=Path, required=True, metavar="DIR", help="report.json, README.md, completions")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--threads", type=int, default=0, help="threads of a CPU; 0 leaves it to torch")
    words.add_argument("--quiet", action="store_true", help="no bar")


def asked_of(given: argparse.Namespace, settings: dict[str, Any]) -> Asked:
    """What the command line asks for.

    Raises:
        ValueError: settings that can't be used, or no model to compare with.
    """
    config_from("evaluate", settings)
    return Asked(
        kind="evaluate",
        settings=settings,
        files={word: path for word in FILES if (path := getattr(given, word)) is not None},
        models=dict(models_of(given)),
        out=given.out,
        seed=given.seed,
        threads=given.threads,
    )


def models_of(given: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Every model with its role."""
    yield "policy", given.model
    reference = given.reference or base_below(given.model)
    if reference is None:
        raise ValueError("--reference is needed: the model holds whole weights and does not say what it came from")
    yield "reference", reference
    for number, path in enumerate(given.against, start=1):
        yield f"rival_{number}", path
    for role in ("judge", "proxy"):
        if (path := getattr(given, role)) is not None:
            yield role, path


def base_below(folder: Path) -> Path | None:
    """The weights that an artifact's adapter sits on; None where it has whole weights or is no artifact of ours."""
    if not (folder / DESCRIPTION).is_file() or not read_description(folder).adapter:
        return None
    return (folder / BASE).resolve()
