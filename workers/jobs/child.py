"""The process in which a recipe runs: started without secrets, heard through a pipe, ended with its whole group.

This is fault containment: a crash, a segfault or the out-of-memory killer ends the child and never the worker. Where a
sandbox works it is isolated besides, see `app.isolation`.
"""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import workers
from app import isolation
from app.config import get_settings
from workers.jobs import entry

logger = logging.getLogger(__name__)

ROOT: Final = Path(next(iter(workers.__path__))).parent
RECIPE: Final = [sys.executable, "-m", "workers.rlhf.cli"]
LOG: Final = "child.log"
LONGEST_LINE: Final = 16 * 1024 * 1024
PAUSE: Final = b"pause\n"
# What a recipe may know of its surroundings. No database, no Redis, no token is among them.
ALLOWED: Final = frozenset(
    {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "MALLOC_ARENA_MAX"}
    | {"LD_LIBRARY_PATH", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "CUDA_HOME"}
    | {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}
)
FOR_DOWNLOADS: Final = frozenset(
    {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "HF_ENDPOINT"}
)


def environment(folder: Path, *, threads: int, online: bool, around: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The child's whole environment: an allow-list of ours, its own home, a fixed number of threads.

    Only `online` children (imports from the hub) may reach a model hub.
    """
    allowed = ALLOWED | FOR_DOWNLOADS if online else ALLOWED
    offline = "0" if online else "1"
    return {name: value for name, value in around.items() if name in allowed} | {
        "HOME": str(folder),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": offline,
        "TRANSFORMERS_OFFLINE": offline,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass
class Child:
    """A running recipe. `read` must be called often; it is what empties the pipe."""

    process: subprocess.Popen[bytes]
    pipe: int
    pending: bytearray = field(default_factory=bytearray)
    heard_all: bool = False
    asked_at: float | None = None
    asked_to_pause: bool = False
    heard_at: float = field(default_factory=time.monotonic)

    def read(self, seconds: float) -> list[dict[str, Any]]:
        """The lines that came, waiting up to `seconds` for the first."""
        if self.heard_all:
            time.sleep(min(seconds, 0.02))
            return []
        with selectors.DefaultSelector() as selector:
            selector.register(self.pipe, selectors.EVENT_READ)
            if not selector.select(seconds):
                return []
        piece = os.read(self.pipe, 1 << 20)
        self.heard_all = not piece
        self.heard_at = time.monotonic()
        self.pending += piece
        return self._take_lines()

    def _take_lines(self) -> list[dict[str, Any]]:
        *complete, rest = bytes(self.pending).split(b"\n")
        self.pending = bytearray(rest)
        if len(rest) > LONGEST_LINE:
            self.pending.clear()
            complete.append(b"")
        return [parsed(line) for line in complete]

    def ended(self) -> bool:
        """Whether the process is gone and everything it said was heard."""
        return self.process.poll() is not None and (self.heard_all or not self._more_to_hear())

    def _more_to_hear(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self.pipe, selectors.EVENT_READ)
            return bool(selector.select(0))

    def silent_seconds(self) -> float:
        """How long ago the recipe last said anything."""
        return time.monotonic() - self.heard_at

    def ask_to_pause(self) -> None:
        """Ask the recipe to write a checkpoint after its present step and to end then; once is enough."""
        if self.asked_to_pause or self.process.stdin is None:
            return
        self.asked_to_pause = True
        try:
            # Past the buffer: what can't be delivered must not be tried again when the pipe is closed.
            os.write(self.process.stdin.fileno(), PAUSE)
        except BrokenPipeError:
            logger.info("process %s ended before it could be asked to pause", self.process.pid)

    def end_hung(self, grace_seconds: float) -> None:
        """Ask for every thread's stack in the log at the first call, SIGKILL at the first that comes later."""
        now = time.monotonic()
        if self.asked_at is None:
            self.asked_at = now
            self._signal(signal.SIGUSR1)
        elif now - self.asked_at > grace_seconds:
            self._signal(signal.SIGKILL)

    def ask_to_stop(self, grace_seconds: float) -> None:
        """SIGTERM at the first call, SIGKILL at the first call that comes `grace_seconds` later."""
        now = time.monotonic()
        if self.asked_at is None:
            self.asked_at = now
            self._signal(signal.SIGTERM)
        elif now - self.asked_at > grace_seconds:
            self._signal(signal.SIGKILL)

    def close(self) -> None:
        """End whatever of the group is left, and let go of the pipes."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        os.close(self.pipe)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


def bounds() -> list[str]:
    """The child's limits in bytes: memory (0 for none), and the largest file that it may write."""
    settings = get_settings()
    return [str(int(gigabytes * 2**30)) for gigabytes in (settings.run_memory_gb, settings.run_largest_file_gb)]


def sandbox(folder: Path, *, online: bool) -> list[str]:
    """What isolates the child in `folder`: the beginning of its command, empty where it is not isolated.

    It sees of this program what a recipe is made of, and the folder that a model is imported from with the files that
    its links lead to: in a hub's cache all of them are links.
    """
    settings = get_settings()
    if not isolation.found(settings).holds:
        return []
    source = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("source") or {}
    given = [Path(source[name]) for name in ("path",) if name in source]
    links = [file for place in given for file in place.glob("*") if file.is_symlink() and file.is_file()]
    readable = [ROOT / "workers", *given, *links]
    hidden = settings.data_dir.resolve()
    return isolation.command(folder, hidden=hidden, readable=readable, here=ROOT, online=online)


def start(folder: Path, *, threads: int, online: bool) -> Child:
    """Start the recipe that `folder/config.json` describes.

    Call from the thread that waits for it: on Linux the child dies with the thread that started it.
    """
    command = [*sandbox(folder, online=online), *RECIPE, "--job", str(folder)]
    reading, writing = os.pipe()
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", entry.__file__, str(writing), str(os.getpid()), *bounds(), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment(folder, threads=threads, online=online),
                pass_fds=(writing,),
                start_new_session=True,
            )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Child(process, reading)


def parsed(line: bytes) -> dict[str, Any]:
    """One line of the event pipe; what is no event of ours becomes a warning in the run's log."""
    try:
        event = json.loads(line, parse_constant=lambda _constant: None)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return {"type": "log", "level": "warning", "text": f"an unreadable line of {len(line)} bytes was passed over"}
    heard: dict[str, Any] = storable(event)
    return heard


def storable(value: Any) -> Any:
    """`value` without what Postgres cannot hold: NUL characters and halves of surrogate pairs become U+FFFD."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [storable(one) for one in value]
    return value


def log_tail(folder: Path, size: int = 4000) -> str:
    """The end of what the child printed, at most `size` bytes."""
    log = folder / LOG
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return str(storable(file.read().decode(errors="replace").strip()))
