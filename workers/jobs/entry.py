"""The last step before a training process: `entry.py PIPE PARENT COMMAND…`, run as a file.

It puts the event pipe on file descriptor 3, ties the process's life to its parent's, and becomes the command.
"""

import ctypes
import os
import signal
import sys

EVENTS = 3
PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however the parent ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def main() -> None:
    """Become the command."""
    pipe, parent, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    die_with_parent(parent)
    if pipe == EVENTS:
        os.set_inheritable(EVENTS, True)
    else:
        os.dup2(pipe, EVENTS)
        os.close(pipe)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter with a fixed argument list


if __name__ == "__main__":
    main()
