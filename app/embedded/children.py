"""Children that never outlive the process that started them, even when it is killed with SIGKILL."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534
POLL_SECONDS = 0.02


class ChildFailedError(RuntimeError):
    """A child ended, or was not ready in time; the message carries the end of its log."""


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How to start, recognise as ready, and stop one child process.

    `prepare` runs before each start. `stdin` is fed once and closed (it keeps secrets off the command line); `unroot`
    runs the child as another user when we are root; `stop_seconds` is how long it may take after `stop_signal` before
    it is killed. `orphan_signal` reaches it when its parent is killed; it is the stop signal unless another is named.
    """

    name: str
    command: list[str]
    environment: dict[str, str] | None = None
    folder: Path | None = None
    stdin: bytes | None = None
    unroot: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 8.0
    orphan_signal: signal.Signals | None = None
    ready: Callable[[], bool] = field(default=lambda: True)
    prepare: Callable[[], None] = field(default=lambda: None)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could bind `host:port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def enter_user_namespace() -> None:
    """Become an unprivileged user whose files still belong to us, in a user namespace of our own."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace may be made here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def namespaces_work() -> bool:
    """Whether a child may enter a user namespace (a container's seccomp profile may forbid it)."""
    if sys.platform != "linux":
        return False
    probe = subprocess.run(["true"], preexec_fn=_silenced(enter_user_namespace), check=False)
    return probe.returncode == 0


def _silenced(step: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            step()
        except OSError:
            os._exit(1)

    return run


def become_nobody() -> None:
    """Give up root for the account `nobody`; its files must be reachable for it."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def unroot_step() -> Callable[[], None] | None:
    """What a child does to stop being root: nothing when we are not root, else a namespace, else `nobody`."""
    if os.geteuid() != 0:
        return None
    return enter_user_namespace if namespaces_work() else become_nobody


def own_for_child(folder: Path) -> None:
    """Hand `folder` to the account that an `unroot` child runs as, where that isn't already us."""
    if unroot_step() is become_nobody:
        os.chown(folder, pwd.getpwuid(NOBODY).pw_uid, NOBODY)


def child_setup(spec: ChildSpec) -> Callable[[], None]:
    """The code that runs in the child between fork and exec: own session, no root, bound to its parent's life."""
    parent = os.getpid()
    unroot = unroot_step() if spec.unroot else None

    def setup() -> None:
        # An own session keeps the terminal's Ctrl-C from reaching the child before its turn.
        os.setsid()
        if unroot:
            unroot()
        if sys.platform == "linux":
            LIBC.prctl(PR_SET_PDEATHSIG, int(spec.orphan_signal or spec.stop_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return setup


def start(spec: ChildSpec, log: Path) -> subprocess.Popen[bytes]:
    """Start the child, output appended to `log`; from the main thread, because Linux ties the child's life to it."""
    spec.prepare()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL if spec.stdin is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=spec.environment,
            cwd=spec.folder,
            preexec_fn=child_setup(spec),  # noqa: PLW1509
        )
    if process.stdin and spec.stdin is not None:
        process.stdin.write(spec.stdin)
        process.stdin.close()
    return process


def wait_ready(spec: ChildSpec, process: subprocess.Popen[bytes], log: Path, seconds: float = 60.0) -> None:
    """Return once the child is ready; raise `ChildFailedError` with its log's end when it ended or took too long."""
    deadline = time.monotonic() + seconds
    while not spec.ready():
        if process.poll() is not None:
            raise ChildFailedError(f"{spec.name} ended with code {process.returncode}\n{log_tail(log)}")
        if time.monotonic() > deadline:
            kill(process)
            raise ChildFailedError(f"{spec.name} was not ready after {seconds:.0f} s\n{log_tail(log)}")
        time.sleep(POLL_SECONDS)


def stop(spec: ChildSpec, process: subprocess.Popen[bytes]) -> None:
    """End the child: its own signal first, SIGKILL to its whole session when it takes too long."""
    if process.poll() is None:
        process.send_signal(spec.stop_signal)
        try:
            process.wait(spec.stop_seconds)
        except subprocess.TimeoutExpired:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the child and everything in its session at once."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def log_tail(log: Path, size: int = 1500) -> str:
    """The last `size` bytes of a log as text, empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode(errors="replace").strip()
