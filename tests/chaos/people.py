"""Simulated annotators and an admin at work over HTTP. Whoever gets no answer sends the same again, like the page."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from typing import Any

import httpx

from tests.chaos.journal import Journal
from tests.chaos.world import Actor, Cast

API = "/api/v1"
LONGEST_WAIT_SECONDS = 120.0
AGAIN_SECONDS = 0.25
# What a service whose parts are being killed may say; everything else is a fault.
COME_BACK = 503
RUNS_AT_ONCE = 2


class NoAnswerError(RuntimeError):
    """The service did not come back."""


@dataclass
class Client:
    """One person's connection: journals what changes something and repeats it until there is an answer."""

    url: str
    actor: Actor
    journal: Journal
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Origin": self.url, **self.actor.headers}
        self.http = httpx.Client(base_url=self.url + API, timeout=20, trust_env=False, headers=headers)

    def change(self, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """A request that changes something, under its key, until it is answered with anything but "come back"."""
        name = key or uuid.uuid4().hex
        self.journal.send(name, self.actor.user_id, path, body)
        answer = self.ask("POST", path, body, {"Idempotency-Key": name})
        told = answer.json() if answer.content else None
        self.journal.answer(name, answer.status_code, told, answer.headers["X-Request-ID"])
        return answer

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """A request, again and again until the service has an answer to it."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                self.journal.note("no answer")
                time.sleep(AGAIN_SECONDS)
                continue
            if not self._is_to_come_back(answer):
                return answer
            time.sleep(AGAIN_SECONDS)
        raise NoAnswerError(f"{method} {path} was not answered for {LONGEST_WAIT_SECONDS:.0f} s")

    def _is_to_come_back(self, answer: httpx.Response) -> bool:
        self.journal.note(f"{answer.status_code}")
        if answer.status_code >= 500 and answer.status_code != COME_BACK:
            self.journal.fault(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        if answer.status_code == COME_BACK and "Retry-After" not in answer.headers:
            self.journal.fault(f"{answer.request.url.path}: a 503 that does not say when to come back")
        in_progress = answer.status_code == httpx.codes.CONFLICT and "Retry-After" in answer.headers
        return answer.status_code >= 500 or in_progress

    def close(self) -> None:
        """Hang up."""
        self.http.close()


@dataclass
class Annotator:
    """Claims, drafts, ranks, revises, skips, and now and then sends again what was answered already."""

    client: Client
    project_id: int
    random: Random
    pause_seconds: float

    def step(self) -> None:
        """One task, or a moment's wait where there is none."""
        found = self.client.ask("POST", f"/projects/{self.project_id}/tasks/claim", {"holding": []}).json()
        if not found.get("assignment"):
            time.sleep(0.3)
            return
        assignment, dice = found["assignment"], self.random.random()
        if dice < 0.05:
            self.client.change(f"/assignments/{assignment['id']}/skip", {})
            return
        if dice < 0.15:
            draft = {"tiers": [], "sequence": int(time.time() * 1000)}
            self.client.ask("PUT", f"/assignments/{assignment['id']}/draft", draft)
        self.judge(assignment)
        if dice > 0.9:
            self.judge(assignment)
        time.sleep(self.pause_seconds * self.random.uniform(0.5, 1.5))

    def judge(self, assignment: dict[str, Any]) -> None:
        """Submit an order by chance; a second time for the same assignment it is a revision."""
        order = [card["id"] for card in assignment["completions"]]
        self.random.shuffle(order)
        tied = self.random.random() < 0.2
        tiers = [order[:2], *([one] for one in order[2:])] if tied else [[one] for one in order]
        # A rationale that nobody else writes, so that no two judgments are equal by chance.
        body = {"tiers": tiers, "active_ms": 1000, "moves": len(order), "rationale": uuid.UUID(int=self.bits()).hex}
        key = f"ranking-{uuid.UUID(int=self.bits()).hex}"
        path = f"/assignments/{assignment['id']}/ranking"
        answer = self.client.change(path, body, key)
        if not answer.is_success:
            self.client.journal.fault(f"a judgment was refused: {answer.status_code} {answer.text}")
        elif self.random.random() < 0.1:
            self.client.change(path, body, key)

    def bits(self) -> int:
        """A number nobody else draws."""
        return self.random.getrandbits(128)


@dataclass
class Admin:
    """Keeps a few training runs going and cancels one now and then."""

    client: Client
    project_id: int
    random: Random

    def step(self) -> None:
        """Launch a run where few are under way."""
        path = f"/projects/{self.project_id}/runs"
        listed = self.client.ask("GET", path, None).json()["items"]
        active = [run for run in listed if run["state"] in {"queued", "claimed", "running"} and run["kind"] == "reward"]
        if active and self.random.random() < 0.02:
            self.client.change(f"/runs/{active[0]['id']}/cancel", {})
        elif len(active) < RUNS_AT_ONCE:
            body = {"kind": "reward", "seed": self.random.randrange(2**31)}
            self.client.change(path, body, f"launch-{self.random.getrandbits(128):032x}")
        time.sleep(0.3)


class Crowd:
    """Everybody at work, each in a thread, until told to stop."""

    def __init__(self, url: str, cast: Cast, journal: Journal, random: Random, *, pause_seconds: float) -> None:
        self.over, self.launching_over = Event(), Event()
        self.clients: list[Client] = []
        self.threads: list[Thread] = []
        for actor in cast.annotators:
            client, dice = self._client(url, actor, journal), Random(random.random())  # noqa: S311 - simulated people
            self._add(Annotator(client, cast.project_id, dice, pause_seconds).step, client, self.over)
        client = self._client(url, cast.admin, journal)
        admin = Admin(client, cast.project_id, Random(random.random()))  # noqa: S311 - as above
        self._add(admin.step, client, self.launching_over)

    def _client(self, url: str, actor: Actor, journal: Journal) -> Client:
        self.clients.append(Client(url, actor, journal))
        return self.clients[-1]

    def _add(self, step: Callable[[], None], client: Client, over: Event) -> None:
        def work() -> None:
            try:
                while not over.is_set():
                    step()
            except Exception as error:  # noqa: BLE001 - a simulated person that fell over is a fault of the suite
                client.journal.fault(f"a simulated person fell over: {error!r}")

        self.threads.append(Thread(target=work, daemon=True))

    def start(self) -> "Crowd":
        """Begin."""
        for thread in self.threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Let everybody finish what they were sending; hang up."""
        self.over.set()
        self.launching_over.set()
        for thread in self.threads:
            thread.join(LONGEST_WAIT_SECONDS)
        for client in self.clients:
            client.close()
