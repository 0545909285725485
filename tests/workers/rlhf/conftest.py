import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES, build_tiny_model
from workers.rlhf import models
from workers.rlhf.models import LanguageModel


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    return


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def tiny(tiny_base: Path) -> LanguageModel:
    return models.load_base(tiny_base)


ANSWERS = [
    "Blue, please.",
    "A river is water that runs to the sea and it is cold.",
    "No.",
    "Birds sleep in trees, thank you.",
]


def ranked_rows(*, ranks: list[int] | None = None, prompts: int = 8, held_out: int = 2) -> list[dict]:
    """Rankings that prefer the shorter answer, unless told otherwise."""
    by_length = sorted(range(4), key=lambda place: len(ANSWERS[place]))
    ranks = ranks or [by_length.index(place) + 1 for place in range(4)]
    return [
        {
            "prompt_id": number,
            "group": str(number),
            "split": "validation" if number >= prompts - held_out else "train",
            "messages": [{"role": "user", "content": EXCHANGES[number % len(EXCHANGES)][0]}],
            "completions": [{"id": 10 * number + place, "text": text} for place, text in enumerate(ANSWERS)],
            "annotations": [{"annotator": "1", "ranks": ranks}],
        }
        for number in range(prompts)
    ]


def write_job(
    folder: Path, kind: str, rows: list[dict], roles: dict[str, Path], *, config: dict, **more: object
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    content = {"kind": kind, "seed": 3, "threads": 1, "config": config, "models": {r: str(p) for r, p in roles.items()}}
    (folder / "config.json").write_text(json.dumps(content | more), encoding="utf-8")
    return folder
