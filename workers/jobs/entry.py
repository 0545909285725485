"""The last step before a training process: `entry.py PIPE PARENT MEMORY FILE COMMAND…`, run as a file.

It puts the event pipe on file descriptor 3, ties the process's life to its parent's, offers itself to the
out-of-memory killer, bounds what it may use (MEMORY and the largest FILE in bytes, 0 for no bound), and becomes the
command.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

EVENTS = 3
PR_SET_PDEATHSIG = 1
OOM_SCORE = "500"
# Shards, libraries, pipes: a few hundred at most. Beyond this something leaks.
MOST_FILES = 65_536


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however the parent ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def die_first() -> None:
    """Where memory runs out, the kernel shall take this process before a database or a worker (Linux)."""
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")


def bound(memory: int, file: int) -> None:
    """Limit memory, files and their size; never leave a core dump, which would hold the data of people on the disk.

    CPU time has no limit: a run may take days, and one that says nothing for long is ended by its worker. Memory is
    what is allocated (RLIMIT_DATA); address space has no limit, because CUDA reserves far more than there is memory.
    """
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: MOST_FILES}
    limits |= {kind: most for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_FSIZE, file)) if most}
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (lower, lower))


def main() -> None:
    """Become the command."""
    pipe, parent, memory, file = map(int, sys.argv[1:5])
    command = sys.argv[5:]
    die_with_parent(parent)
    die_first()
    bound(memory, file)
    # Asks the recipe where it is. A sandbox around it shall not die of that; the recipe itself listens.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    if pipe == EVENTS:
        os.set_inheritable(EVENTS, True)
    else:
        os.dup2(pipe, EVENTS)
        os.close(pipe)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter with a fixed argument list


if __name__ == "__main__":
    main()
