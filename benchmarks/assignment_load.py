"""People at work over HTTP: each claims a task, submits a ranking, and claims the next, as fast as they are answered.

The client is as small as a client can be (one kept connection a person, no library), because it shares the machine
with what it measures.
"""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks.assignment_data import CSRF, PROJECT, cookie_of

WARM_UP_SECONDS = 3.0


class RefusedError(RuntimeError):
    """The service answered with an error; the message holds its words."""


@dataclass
class Timings:
    """Milliseconds that requests took, by name, of what began and ended within the measured time."""

    seconds: float = 0.0
    cycles: int = 0
    milliseconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, milliseconds: float) -> None:
        """Note one request."""
        self.milliseconds.setdefault(name, []).append(milliseconds)

    def summary(self) -> dict[str, Any]:
        """Cycles a second, and the median and 99th percentile of each request."""
        figures: dict[str, Any] = {"cycles_per_s": round(self.cycles / self.seconds, 1), "cycles": self.cycles}
        for name, taken in self.milliseconds.items():
            cuts = quantiles(taken, n=100) if len(taken) > 1 else taken * 99
            figures[f"{name}_ms"] = {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}
        return figures


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.origin = parts.hostname or "127.0.0.1", parts.port or 80, url

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def request(self, method: str, path: str, body: Any, headers: str) -> Any:
        """Send one request; the JSON of its answer. `headers` are whole lines."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nOrigin: {self.origin}\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)
        status_line, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        answer = await self.reader.readexactly(int(named.get("content-length", "0")))
        if not status_line.split()[1].startswith("2"):
            raise RefusedError(f"{method} {path}: {status_line} {answer.decode(errors='replace')[:500]}")
        return json.loads(answer) if answer else None

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


class Annotator:
    """Somebody with a session cookie who ranks as shown."""

    def __init__(self, url: str, number: int) -> None:
        self.connection = Connection(url)
        self.headers = f"Cookie: plackett_session={cookie_of(number)}\r\nX-CSRF-Token: {CSRF}\r\n"

    async def cycle(self, timings: Timings) -> None:
        """Claim a task and submit its ranking."""
        started = time.perf_counter()
        claimed = await self.connection.request(
            "POST", f"/api/v1/projects/{PROJECT}/tasks/claim", {"holding": []}, self.headers
        )
        between = time.perf_counter()
        assignment = claimed["assignment"]
        ranking = {
            "tiers": [[card["id"]] for card in assignment["completions"]],
            "touched": True,
            "moves": 3,
            "active_ms": 20000,
        }
        headers = f"{self.headers}Idempotency-Key: {uuid.uuid4()}\r\n"
        await self.connection.request("POST", f"/api/v1/assignments/{assignment['id']}/ranking", ranking, headers)
        ended = time.perf_counter()
        timings.add("claim", (between - started) * 1000)
        timings.add("submit", (ended - between) * 1000)
        timings.cycles += 1


def run(url: str, clients: int, seconds: float) -> Timings:
    """Let annotators 1 to `clients` work for `seconds` after a warm-up; what it took."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(url, clients, seconds))


async def _run(url: str, clients: int, seconds: float) -> Timings:
    people = [Annotator(url, number) for number in range(1, clients + 1)]
    for person in people:
        await person.connection.open()
    await _work(people, WARM_UP_SECONDS)
    timings = await _work(people, seconds)
    for person in people:
        person.connection.close()
    return timings


async def _work(people: list[Annotator], seconds: float) -> Timings:
    timings, started = Timings(), time.perf_counter()

    async def work(person: Annotator) -> None:
        while time.perf_counter() < started + seconds:
            await person.cycle(timings)

    await asyncio.gather(*map(work, people))
    timings.seconds = time.perf_counter() - started
    return timings
