"""Where a training process runs: in a sandbox of bubblewrap's where that works, else among our other processes.

Isolation: no network, one writable folder, the rest of the disk unseen but for programs and libraries, no capability,
process numbers of its own. Fault containment: a crash ends the process and nothing else, and its environment holds no
secret; it could still read what the service's user can read. Which of the two holds here is found out by trying.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from app.config import Settings

PROGRAM: Final = "bwrap"
PROBE_SECONDS: Final = 60
# Programs and libraries, and the few files of /etc that they read. Nothing here holds a secret of the service.
SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/sys")
CONFIGURATION: Final = (
    *("alternatives", "ca-certificates", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"),
    *("localtime", "nsswitch.conf", "passwd", "pki", "resolv.conf", "ssl", "timezone"),
)
LIBRARY_VARIABLES: Final = ("PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV", "CUDA_HOME")
ACCELERATORS: Final = ("nvidia*", "dri", "kfd")

# What the probe lets run in the sandbox: it tries what a recipe must not be able to do.
TRIAL: Final = """
import json, os, socket, sys
port, secret, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def can(deed):
    try:
        deed()
    except OSError:
        return False
    return True
def write(place):
    with open(os.path.join(place, "written"), "w") as file:
        file.write("x")
print(json.dumps({
    "network": can(lambda: socket.create_connection(("127.0.0.1", port), 3).close()),
    "secret": can(lambda: open(secret).close()),
    "elsewhere": any(can(lambda: write(place)) for place in ("/", "/usr", "/etc", os.path.dirname(secret))),
    "own_folder": can(lambda: write(folder)),
}))
"""
WANTED: Final = {"network": False, "secret": False, "elsewhere": False, "own_folder": True}


class NotIsolatedError(RuntimeError):
    """Isolation is required by the settings and does not work here."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether training processes are isolated on this machine, and why not."""

    holds: bool
    why_not: str = ""

    @property
    def words(self) -> str:
        """The finding for a person."""
        if self.holds:
            return "isolation: training processes have no network and one writable folder"
        return f"fault containment only, no isolation: {self.why_not}"


def command(
    folder: Path, *, hidden: Path, readable: Iterable[Path], online: bool, here: Path | None = None
) -> list[str]:
    """What to put before a training process's command, so that it can write to `folder` and to nothing else.

    `hidden` is the data folder, of which it sees `folder` alone, even where the program itself lies in it or around it;
    `readable` are files and folders that it may read besides the system's. It starts in `here`, or else in its folder;
    only one that is `online` keeps the network.
    """
    network = [] if online else ["--unshare-net"]
    apart = ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", *network]
    shown = [Path(place) for place in SYSTEM] + [Path("/etc") / name for name in CONFIGURATION]
    around = [place for place in (*shown, *interpreter(), *readable) if place != Path("/")]
    inside = [place for place in around if place.is_relative_to(hidden)]
    return [
        shutil.which(PROGRAM) or PROGRAM,
        *("--die-with-parent", "--cap-drop", "ALL", *apart),
        *("--proc", "/proc", "--dev", "/dev", *accelerators(), "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
        *read_only(around),
        *("--tmpfs", str(hidden), *read_only(inside), "--bind", str(folder), str(folder)),
        *("--remount-ro", str(hidden), "--remount-ro", "/"),
        *("--chdir", str(here or folder), "--"),
    ]


def read_only(places: Iterable[Path]) -> list[str]:
    """Arguments that let the sandbox read these, where they exist, under their own names and where links lead to."""
    there = {name for place in places if place.exists() for name in (place.absolute(), place.resolve())}
    outermost = sorted(place for place in there if there.isdisjoint(place.parents))
    return [word for place in outermost for word in ("--ro-bind", str(place), str(place))]


def interpreter() -> list[Path]:
    """Where this Python and its libraries are."""
    named = [Path(one) for name in LIBRARY_VARIABLES for one in os.environ.get(name, "").split(os.pathsep) if one]
    # A link to an environment in another place is followed by the program that is started, not by what names it.
    programs = [Path(sys.executable), Path(sys.executable).resolve()]
    homes = [program.parent.parent for program in programs]
    return [Path(sys.prefix), Path(sys.base_prefix), *homes, *(path for path in named if path.is_absolute())]


def accelerators() -> list[str]:
    """Arguments that let the sandbox use the machine's GPUs."""
    found = [path for pattern in ACCELERATORS for path in sorted(Path("/dev").glob(pattern))]
    return [word for path in found for word in ("--dev-bind", str(path), str(path))]


@lru_cache
def probe() -> Isolation:
    """Whether isolation holds here, found out once a process by trying to break out of a sandbox."""
    if shutil.which(PROGRAM) is None:
        return Isolation(holds=False, why_not="bubblewrap is not installed")
    with tempfile.TemporaryDirectory(prefix="plackett-probe-") as place, socket.create_server(("127.0.0.1", 0)) as ear:
        hidden = Path(place).resolve()
        secret, folder = hidden / "secret", hidden / "runs" / "1"
        secret.write_text("canary")
        folder.mkdir(parents=True)
        start = command(folder, hidden=hidden, readable=[], online=False)
        trial = [sys.executable, "-I", "-c", TRIAL, str(ear.getsockname()[1]), str(secret), str(folder)]
        return _judge([*start, *trial])


def _judge(trial: list[str]) -> Isolation:
    try:
        done = subprocess.run(trial, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
        seen = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return Isolation(holds=False, why_not=f"bubblewrap does not work ({type(error).__name__})")
    if seen is None:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Isolation(holds=False, why_not=f"bubblewrap does not work here ({last})")
    leaks = sorted(name for name, wanted in WANTED.items() if seen.get(name) is not wanted)
    return Isolation(holds=not leaks, why_not=f"the sandbox leaks ({', '.join(leaks)})" if leaks else "")


def found(settings: Settings) -> Isolation:
    """What holds under these settings.

    Raises:
        NotIsolatedError: isolation is required and does not hold.
    """
    if settings.isolation == "off":
        return Isolation(holds=False, why_not="PLACKETT_ISOLATION is off")
    isolation = probe()
    if settings.isolation == "required" and not isolation.holds:
        raise NotIsolatedError(f"PLACKETT_ISOLATION is required, but: {isolation.why_not}")
    return isolation
