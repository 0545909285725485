"""A run in several processes, each on a device of its own: the first starts the others, speaks for all, ends with them.

`accelerate launch` does the same for a command line. Here the others must end with the first however it ends, their
failures must reach its parent as the run's, and they meet in a file of the run's folder: a port could be taken, and a
sandbox has no network but its own loopback.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from workers.rlhf.job import Emit
from workers.rlhf.processes import MEETING, team

COMMAND: Final = [sys.executable, "-m", "workers.rlhf.cli", "--job"]
# How long the first waits for the news that another's end is the reason for its own trouble.
NEWS_SECONDS: Final = 5.0
PARTING_SECONDS: Final = 60.0
LOOPBACK: Final = "lo" if sys.platform == "linux" else "lo0"


def own_rank() -> int:
    """This process's number among those of its run; 0 for the first, which may be alone."""
    return int(os.environ.get("RANK", "0"))


def words_of(folder: Path, rank: int) -> Path:
    """Where a process other than the first leaves the events that tell of its failure."""
    return folder / f"failure-{rank}.jsonl"


def size_of(folder: Path) -> int:
    """How many processes are to share the run in `folder`."""
    content: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return int(content.get("processes", 1))


class Crew:
    """The other processes of a run, as its first one sees them."""

    def __init__(self, folder: Path, tell: Emit) -> None:
        self._folder = folder
        self._tell = tell
        self._others: list[subprocess.Popen[bytes]] = []
        self._fallen = threading.Event()
        self._parting = threading.Event()

    def start(self) -> None:
        """Start the others, if the run is to have any; all meet at their first `team()`."""
        size = size_of(self._folder)
        if size <= 1:
            return
        os.environ.update(
            {
                "RANK": "0",
                "LOCAL_RANK": "0",
                "WORLD_SIZE": str(size),
                "LOCAL_WORLD_SIZE": str(size),
                "MASTER_ADDR": "127.0.0.1",
                "GLOO_SOCKET_IFNAME": LOOPBACK,
                "NCCL_SOCKET_IFNAME": LOOPBACK,
                MEETING: str(self._folder / "meeting"),
            }
        )
        for rank in range(1, size):
            # Each ends when its standard input does, which is when this process is gone.
            other = subprocess.Popen(
                [*COMMAND, str(self._folder)],
                stdin=subprocess.PIPE,
                env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            )
            self._others.append(other)
            threading.Thread(target=self._watch, args=(rank, other), daemon=True).start()

    def _watch(self, rank: int, other: "subprocess.Popen[bytes]") -> None:
        code = other.wait()
        if code == 0 or self._parting.is_set():
            return
        self._fallen.set()
        print(f"process {rank} of the run ended with code {code}", file=sys.stderr, flush=True)
        if code < 0:
            # So that the run's worker sees what happened: a signal is no failure of the recipe's.
            os.kill(os.getpid(), signal.Signals(-code))
        words = words_of(self._folder, rank)
        for line in words.read_text(encoding="utf-8").splitlines() if words.exists() else ():
            self._tell(json.loads(line))
        os._exit(1)

    def give_way(self) -> None:
        """Called where this process fails: where another one has ended, that is the reason, and told instead."""
        if self._others and self._fallen.wait(NEWS_SECONDS):
            threading.Event().wait(NEWS_SECONDS)
        self._parting.set()

    def part(self) -> None:
        """At the end of all work: every process leaves, and the others are gone."""
        if not self._others:
            return
        team().leave()
        # All work is done and told: how the others end now is no failure of the run.
        self._parting.set()
        for other in self._others:
            try:
                other.wait(PARTING_SECONDS)
            except subprocess.TimeoutExpired:
                other.kill()
