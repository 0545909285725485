"""Proof that the engine learns what it is told and nothing else: nine decisive controls, lettered a to i.

Every control runs at two sizes. `make test` takes the small one, one seed; `make rlhf-sanity` the full one, three
seeds, and prints one line of JSON as each control finishes. The bounds are the same.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tests.sanity import meadow
from tests.sanity.playing import save_untaught_reward
from tests.tiny_model import build_tiny_model

FULL = os.environ.get("RLHF_SANITY") == "full"
SEEDS = range(3 if FULL else 1)
Tell = Callable[..., None]


def sized(full: int, small: int) -> int:
    """A number of updates, prompts or the like for the size that runs."""
    return full if FULL else small


def only_in_full() -> list[pytest.MarkDecorator]:
    """Marks for what takes too long for every day."""
    return [] if FULL else [pytest.mark.slow]


@contextmanager
def one_thread() -> Iterator[None]:
    """One way to add up for the controls alone: other tests of the same process get back what they had."""
    threads, exact = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(mode=exact, warn_only=warns)


@pytest.fixture(autouse=True, scope="package")
def on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture
def tell(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Tell:
    """Print what a control found, before it is judged."""
    started = time.monotonic()

    def write(**found: object) -> None:
        line = {"control": request.node.name, "seeds": len(SEEDS)} | found
        with capfd.disabled():
            print(json.dumps(line | {"seconds": round(time.monotonic() - started, 1)}), flush=True)

    return write if FULL else lambda **_: None


@pytest.fixture(scope="package")
def meadow_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes as the meadow's people do."""
    folder = tmp_path_factory.mktemp("meadow")
    return build_tiny_model(folder / "base", steps=80, exchanges=meadow.exchanges(1))


@pytest.fixture(scope="package")
def untaught(meadow_base: Path) -> Path:
    """A reward model that knows nothing."""
    return save_untaught_reward(meadow_base, meadow_base.parent / "untaught")
