"""The whole service as a child process in a folder of its own, and people who use it over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
START_SECONDS = 180.0
PASSWORD = "a long enough passphrase"  # noqa: S105 - of a service that lives for one benchmark


class ServiceFailedError(RuntimeError):
    """The service did not come up, or refused a request; the message holds what it said."""


@dataclass(frozen=True)
class LocalService:
    """A running service: where it answers, where its files are, its process."""

    url: str
    data_dir: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def first_admin_link(self) -> str:
        """The one-time link that the first start printed."""
        return (self.data_dir / "first-admin-link").read_text(encoding="utf-8").strip()

    def first_admin(self) -> "Person":
        """Redeem the first admin's link."""
        person = Person(self.url)
        person.redeem(self.first_admin_link.partition("#")[2], name="Ada Admin", email="ada@example.org")
        return person


class Person:
    """Somebody with a browser, without the browser: a cookie, a CSRF token, JSON."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False, headers={"Origin": url})

    def redeem(self, token: str, *, name: str, email: str) -> None:
        """Accept an invitation and be signed in."""
        answer = self.post(
            "/api/v1/invitations/redeem", {"token": token, "name": name, "email": email, "password": PASSWORD}
        )
        self.http.headers["X-CSRF-Token"] = answer["csrf_token"]

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at `path`."""
        return self.read(self.http.get(path, params=parameters))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send `body` as JSON; the JSON that comes back."""
        return self.read(self.http.post(path, json=body if body is not None else {}, headers=headers))

    def patch(self, path: str, body: Any) -> Any:
        """Change what is at `path`; the JSON that comes back."""
        return self.read(self.http.patch(path, json=body))

    def read(self, answer: httpx.Response) -> Any:
        """The answer's JSON; `ServiceFailedError` with its words when it is a refusal."""
        if answer.is_error:
            raise ServiceFailedError(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        return answer.json() if answer.content else None


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def local_service(data_dir: Path, **settings: object) -> Iterator[LocalService]:
    """`plackett up` in `data_dir` with the given settings (`base_model=…`), ready; stopped at the end of the block."""
    port = free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "up.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLACKETT_")}
    environment |= {f"PLACKETT_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"PLACKETT_DATA_DIR": str(data_dir), "PLACKETT_PORT": str(port)}
    with running([sys.executable, "-m", "app.cli", "up"], environment, log) as process:
        url = f"http://127.0.0.1:{port}"
        wait_healthy(url, process, log)
        yield LocalService(url, data_dir, log, process)


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work, ended with the block, also where SIGTERM ends the block."""
    with unwound_by_sigterm():
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            stop(process)


@contextmanager
def unwound_by_sigterm() -> Iterator[None]:
    """SIGTERM leaves the block as an exception does; unhandled it would end this process and nothing that it started.

    Only where the block is in the main thread, which is the one that signals come to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: object) -> None:
        # Once: a second one would break off the cleaning up.
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the service says it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/api/health", timeout=2, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise ServiceFailedError(f"the service did not start:\n{log.read_text(errors='replace')[-4000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the service as Ctrl-C does; by force if it does not end."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_run(person: Person, run_id: int, seconds: float) -> dict[str, Any]:
    """The run once it has ended; `ServiceFailedError` when it failed or took longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run: dict[str, Any] = person.get(f"/api/v1/runs/{run_id}")
        if run["state"] == "succeeded":
            return run
        if run["state"] in {"failed", "cancelled"}:
            raise ServiceFailedError(f"run {run_id} {run['state']}: {json.dumps(run)}")
        time.sleep(0.5)
    raise ServiceFailedError(f"run {run_id} did not end within {seconds:.0f} s")
