"""Programs that we are measured against, each in an environment of its own beside our torch and transformers.

Both sides of a comparison run as processes of their own, by turns, on one thread: on a shared machine two runs of the
same work differ by more than most gains, and what one process warms must not help the other.
"""

import json
import os
import platform
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / "build" / "peers"
# One thread each, sleeping while it waits; nothing is fetched, nothing is reported anywhere.
QUIET = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "WANDB_MODE": "disabled",
    "CUDA_VISIBLE_DEVICES": "",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: an interpreter and the function that it calls with a plan.

    `surroundings` are environment variables beside those that keep it quiet and on one thread, or instead of them.
    """

    python: Path
    function: str
    surroundings: Mapping[str, str] = field(default_factory=dict)

    def run(self, plan: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Run the function in a process of its own and return what it found.

        `function` is `module:name`; it gets the plan and returns something that JSON can hold.
        """
        module, _, name = self.function.partition(":")
        asked, found = folder / "plan.json", folder / "found.json"
        asked.write_text(json.dumps(plan))
        found.unlink(missing_ok=True)
        code = (
            f"import json, sys; from {module} import {name} as run; "
            f"found = run(json.load(open(sys.argv[1]))); json.dump(found, open(sys.argv[2], 'w'))"
        )
        done = subprocess.run(
            [self.python, "-c", code, asked, found],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)} | QUIET | self.surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.function} failed:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}")
        result: dict[str, Any] = json.loads(found.read_text())
        return result


def ours(function: str) -> Side:
    """Our side of a comparison."""
    return Side(Path(sys.executable), function)


def peer(function: str, requirement: str) -> Side:
    """The other side, in an environment that holds `requirement` and sees the packages of ours."""
    return Side(environment(requirement), function)


def environment(requirement: str) -> Path:
    """The interpreter of an environment with one pinned package, made at first need."""
    folder = ENVIRONMENTS / requirement.replace("==", "-")
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    venv.create(folder, clear=True, with_pip=True)
    # Our packages come after its own: what is here already, torch and transformers above all, is not installed anew.
    site = next((folder / "lib").glob("python*")) / "site-packages"
    (site / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
    ready.touch()
    return python


def by_turns(
    sides: Sequence[tuple[Side, dict[str, Any]]], repeats: int, folder: Path, at_once: int = 1
) -> list[list[dict[str, Any]]]:
    """Run every side `repeats` times, one after the other and from the start again: results by side.

    On a machine with cores to spare several turns can go on at once.
    """

    def turn(number: int) -> list[dict[str, Any]]:
        return [alone(side, plan, folder / f"turn-{number}") for side, plan in sides]

    with ThreadPoolExecutor(at_once) as pool:
        turns = list(pool.map(turn, range(repeats)))
    return [list(results) for results in zip(*turns, strict=True)]


def fastest(side: Side, plans: Sequence[dict[str, Any]], folder: Path, at_once: int = 1) -> int:
    """The place of the plan whose usual step takes a side the fewest CPU seconds."""

    def seconds(place: int) -> float:
        return usual(alone(side, plans[place], folder / f"tried-{place}")["seconds"])

    with ThreadPoolExecutor(at_once) as pool:
        taken = list(pool.map(seconds, range(len(plans))))
    return taken.index(min(taken))


def alone(side: Side, plan: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run a side in a folder that no other process writes to."""
    folder.mkdir(exist_ok=True)
    return side.run(plan, folder)


def ratios(ours_found: Sequence[float], peer_found: Sequence[float]) -> dict[str, Any]:
    """Medians of both, their ratio (above 1: we are better), and the ratio of each turn."""
    own, other = median(ours_found), median(peer_found)
    turns = [theirs / mine for mine, theirs in zip(ours_found, peer_found, strict=True)]
    return {"ours": own, "peer": other, "ratio": other / own, "ratio_of_each_turn": turns}


def usual(seconds: Sequence[float]) -> float:
    """The median step without the first, which also pays for memory that the others use again."""
    return median(seconds[1:] or seconds)


def machine() -> str:
    """The machine in words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, 1 thread"
