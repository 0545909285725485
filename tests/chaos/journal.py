"""What the simulated people asked for and what they were told, written down before sending and on answer.

It is the half of the truth that the service cannot lose: a line reaches the system before its request leaves.
"""

import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any


@dataclass
class Request:
    """One request that changes something: whose, under which key, when it was first sent, what was answered when."""

    key: str
    user_id: int
    path: str
    body: dict[str, Any]
    sent_at: float
    answered_at: float | None = None
    status: int = 0
    answer: Any = None
    request_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the client holds a 2xx."""
        return 200 <= self.status < 300

    def is_for(self, ending: str) -> bool:
        """Whether the request went to a path with this ending."""
        return self.path.endswith(ending)


@dataclass
class Journal:
    """All requests by key, in memory and in a file that a later run can read again."""

    path: Path
    requests: dict[str, Request] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            self._take(json.loads(line))
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def send(self, key: str, user_id: int, path: str, body: dict[str, Any]) -> None:
        """Write down that a request is about to leave; its repeats are not news."""
        if key not in self.requests:
            self._write({"key": key, "user_id": user_id, "path": path, "body": body, "sent_at": time.time()})

    def answer(self, key: str, status: int, answer: Any, request_id: str) -> None:
        """Write down the first answer; a later one must say the same, or it is a fault."""
        first = self.requests[key]
        if first.answered_at is None:
            told = {"answered_at": time.time(), "status": status, "answer": answer, "request_id": request_id}
            self._write({"key": key, **told})
        elif first.accepted and (status, answer) != (first.status, first.answer):
            self.fault(f"{first.path}: the same key was answered {first.answer} and then {status} {answer}")

    def note(self, what: str) -> None:
        """One more of these."""
        with self.lock:
            self.happened[what] += 1

    def fault(self, what: str) -> None:
        """Something that must not happen, whatever is killed."""
        with self.lock:
            self.faults.append(what)

    def all(self) -> list[Request]:
        """Every request so far."""
        with self.lock:
            return list(self.requests.values())

    def accepted(self, ending: str) -> list[Request]:
        """The requests to paths with this ending whose client holds a 2xx."""
        return [one for one in self.all() if one.accepted and one.is_for(ending)]

    def close(self) -> None:
        """Write nothing more."""
        os.close(self._file)

    def _write(self, entry: dict[str, Any]) -> None:
        with self.lock:
            os.write(self._file, json.dumps(entry).encode() + b"\n")
            self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if "sent_at" in entry:
            self.requests[entry["key"]] = Request(**entry)
            return
        request = self.requests[entry["key"]]
        request.status, request.answer, request.request_id = entry["status"], entry["answer"], entry["request_id"]
        request.answered_at = entry["answered_at"]
