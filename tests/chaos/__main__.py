"""The long version, by hand: `make test-chaos ARGS="--kills 1000"`. Stopped at any moment, it goes on where it was.

Everything is in one folder: the service's data, the journal, and the tally of rounds so far. Prints a line a round and
ends with one JSON line of figures; the exit code is 1 when a promise was broken.
"""

import argparse
import json
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from tests.chaos.rounds import Chaos, Plan

# How often each is the one to be killed.
SHARES = {"postgres": 5, "redis": 4, "api": 3, "scheduler": 3, "worker": 3, "child": 6}
A_ROUND = 25


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="make test-chaos")
    parser.add_argument("--kills", type=int, default=1000, help="kills in all, those of earlier runs included")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after this long, to go on another time")
    parser.add_argument("--folder", type=Path, default=Path(".chaos"), help="where data, journal and tally are kept")
    parser.add_argument("--seed", type=int, default=None, help="of the accidents; drawn when not given")
    parser.add_argument("--annotators", type=int, default=4)
    return parser.parse_args()


def read_tally(folder: Path) -> dict[str, Any]:
    """What earlier runs in this folder did."""
    path = folder / "tally.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {"kills": {}, "seconds": 0.0, "rounds": 0, "broken": [], "seeds": []} | known


def kill_on(asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Round after round until there were enough kills or the time is over; the tally."""
    random, tally = Random(seed), read_tally(asked.folder)  # noqa: S311 - simulated accidents
    tally["seeds"].append(seed)
    deadline = time.monotonic() + 60 * asked.minutes
    plan = Plan(targets=[], kills_a_round=A_ROUND, annotators=asked.annotators, tasks=400)
    chaos = Chaos(asked.folder, random, plan)
    try:
        with chaos.service():
            crowd = chaos.crowd()
            while sum(tally["kills"].values()) < asked.kills and time.monotonic() < deadline:
                one_round(chaos, tally, asked)
            began = time.monotonic()
            tally["broken"] += chaos.run_out(crowd)
            tally["seconds"] += time.monotonic() - began
            return tally | {"figures": chaos.figures()}
    except BaseException:
        print(chaos.story(seed), file=sys.stderr)
        raise


def one_round(chaos: Chaos, tally: dict[str, Any], asked: argparse.Namespace) -> None:
    """Some kills, a look at the books, a line; the tally is kept after each."""
    began, before = time.monotonic(), Counter(chaos.killer.kills)
    missing = min(A_ROUND, asked.kills - sum(tally["kills"].values()))
    known = len(chaos.journal.accepted("/ranking"))
    chaos.keep_busy()
    for _ in range(missing):
        [target] = chaos.random.choices(list(SHARES), weights=list(SHARES.values()))
        chaos.killer.kill(target, chaos.plan.longest_delay)
    broken, rankings = chaos.check(), len(chaos.journal.accepted("/ranking"))
    if missing == A_ROUND and rankings == known:
        broken.append("nobody ranked anything, so that this round shows little")
    tally["kills"] = dict(Counter(tally["kills"]) + (chaos.killer.kills - before))
    tally["broken"] += broken
    tally["seconds"] += time.monotonic() - began
    tally["rounds"] += 1
    (asked.folder / "tally.json").write_text(json.dumps(tally))
    print(f"{sum(tally['kills'].values())} kills, {rankings} rankings, {len(broken)} broken promises", flush=True)


def main() -> None:
    """Kill, print, and say with the exit code whether all promises held."""
    asked = options()
    asked.folder.mkdir(parents=True, exist_ok=True)
    seed = SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    tally = kill_on(asked, seed)
    tally["seconds"] = round(tally["seconds"])
    print(json.dumps({"name": "chaos", "date": date.today().isoformat(), **tally}))  # noqa: DTZ011 - a label
    sys.exit(1 if tally["broken"] else 0)


if __name__ == "__main__":
    main()
