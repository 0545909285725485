"""The limit: exactly the statements of one claim and one submit, sent by pgbench to the same PostgreSQL.

The statements are not written down here: one cycle runs in this process, what the service sends is recorded, and what
differs from cycle to cycle (the person, the assignment, the key) becomes a variable of pgbench.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from unittest import mock

import psycopg
from fastapi.testclient import TestClient
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.config import get_settings
from app.db import engine
from app.embedded.binaries import postgres_folder
from app.embedded.postgres import APP, Address
from app.main import create_app
from app.statements import Statement, Values
from benchmarks.assignment_data import COMPLETIONS, CSRF, PROJECT, Seeded, cookie_of

RECORDED_PERSON: Final = 150
KEY: Final = "a-key-that-was-recorded"
# What a parameter with one of these names is in pgbench; any other keeps the value it had.
VARIABLES: Final = {
    **dict.fromkeys(["annotator", "user", "user_id", "actor_id"], ":annotator"),
    "assignment": ":id",
    "task": ":task_id",
    "token_hash": "sha256(convert_to('annotator-' || :annotator, 'UTF8'))",
    "key": "('key ' || :client_id || ' ' || :fresh)",
    "shown": ":shown_order",
    "completions": ":shown_order",
}
PAIRS: Final = [(i, j) for i in range(1, COMPLETIONS + 1) for j in range(i + 1, COMPLETIONS + 1)]


@dataclass
class Recording:
    """The statements of a cycle, in order, each with its parameters; BEGIN and COMMIT among them."""

    statements: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        """One statement that is about to be sent."""
        self.statements.append((statement, parameters or {}))

    def listening_to(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """`Statement.send` that notes the statement, which the engine does not hear of, and sends it."""

        def heard(statement: Statement, session: Session, values: Values) -> Any:
            session.connection()
            named = dict(enumerate(zip(statement.places, statement.parameters(values), strict=True), 1))
            written = re.sub(r"\$(\d+)", lambda match: f"%({named[int(match[1])][0]})s", statement.sql)
            self.statements.append((written.replace("%%", "%"), dict(named.values())))
            return send(statement, session, values)

        return heard

    def begin(self, _connection: Any) -> None:
        """A transaction begins."""
        self.statements.append(("BEGIN", {}))

    def commit(self, _connection: Any) -> None:
        """A transaction ends."""
        self.statements.append(("COMMIT", {}))


def record_cycle(address: Address, seeded: Seeded) -> Recording:
    """Claim and submit once through the whole application; what it sent to the database."""
    os.environ["PLACKETT_DATABASE_URL"] = address.url(APP, seeded.name)
    get_settings.cache_clear()
    engine.cache_clear()
    recording = Recording()
    with TestClient(create_app(), base_url="http://localhost") as browser:
        browser.cookies.set("plackett_session", cookie_of(RECORDED_PERSON))
        browser.headers["X-CSRF-Token"] = CSRF
        cycle(browser)
        with listening(recording):
            cycle(browser)
    engine().dispose()
    return recording


@contextmanager
def listening(recording: Recording) -> Iterator[None]:
    """Record what this process's engine sends until the block ends."""
    heard: dict[str, Callable[..., Any]] = {
        "before_cursor_execute": recording.note,
        "begin": recording.begin,
        "commit": recording.commit,
    }
    for name, listener in heard.items():
        event.listen(engine(), name, listener)
    with mock.patch.object(Statement, "send", recording.listening_to(Statement.send)):
        yield
    for name, listener in heard.items():
        event.remove(engine(), name, listener)


def cycle(browser: TestClient) -> None:
    """One claim and one submit."""
    claimed = browser.post(f"/api/v1/projects/{PROJECT}/tasks/claim", json={"holding": []}).json()["assignment"]
    ranking = {"tiers": [[card["id"]] for card in claimed["completions"]], "moves": 3, "active_ms": 20000}
    headers = {"Idempotency-Key": f"{KEY}-{claimed['id']}"}
    browser.post(f"/api/v1/assignments/{claimed['id']}/ranking", json=ranking, headers=headers).raise_for_status()


def script_of(recording: Recording, address: Address, seeded: Seeded) -> str:
    """pgbench's script of a recorded cycle."""
    lines = ["\\set annotator 1 + :client_id", "\\set fresh random(1, 9000000000000000)"]
    with psycopg.connect(address.url(APP, seeded.name)) as connection:
        for statement, parameters in recording.statements:
            # The claim's answer fills the variables of what follows.
            end = " \\gset" if "AS behind" in statement else ";"
            lines.append(_filled(statement, parameters, connection).strip() + end)
    return "\n".join(lines) + "\n"


def _filled(statement: str, parameters: dict[str, Any], connection: psycopg.Connection) -> str:
    def one(match: re.Match[str]) -> str:
        return _value(match.group(1), parameters[match.group(1)], connection)

    return re.sub(r"%\((\w+)\)s", one, statement).replace("%%", "%")


def _value(name: str, value: Any, connection: psycopg.Connection) -> str:
    if name in VARIABLES:
        return VARIABLES[name]
    if name in {"preferred", "other"}:
        places = [pair[name == "other"] for pair in PAIRS]
        return "ARRAY[" + ", ".join(f"(CAST(:shown_order AS bigint[]))[{place}]" for place in places) + "]"
    if name in {"name", "then"} and isinstance(value, str):
        return f"'{value.split(':')[0]} ' || :annotator" + (" || :fresh" if value.startswith("idempotency") else "")
    return sql.Literal(value).as_string(connection)


def run(address: Address, seeded: Seeded, folder: Path, *, clients: int, seconds: float) -> dict[str, Any]:
    """Cycles a second and their latency with `clients` connections."""
    script, log = folder / "cycle.sql", folder / f"pgbench-{clients}"
    script.write_text(script_of(record_cycle(address, seeded), address, seeded))
    for old in folder.glob(f"{log.name}.*"):
        old.unlink()
    command = [
        str(postgres_folder() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2",
        f"--time={seconds:.0f}", f"--file={script}", "--log", f"--log-prefix={log}", address.url(APP, seeded.name),
    ]  # fmt: skip
    before = _judgments(address, seeded)
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    if said.returncode != 0:
        raise RuntimeError(f"pgbench: {said.stderr[-2000:]}")
    rate, done = re.search(r"tps = ([\d.]+)", said.stdout), re.search(r"actually processed: (\d+)", said.stdout)
    assert rate is not None
    assert done is not None
    written = _judgments(address, seeded) - before
    if written != int(done[1]):
        raise RuntimeError(f"pgbench ran {done[1]} cycles, which wrote {written} judgments: its script is not a cycle")
    taken = [int(line.split()[2]) / 1000 for file in folder.glob(f"{log.name}.*") for line in file.open()]
    cuts = quantiles(taken, n=100)
    return {
        "cycles_per_s": round(float(rate.group(1)), 1),
        "cycle_ms": {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)},
    }


def _judgments(address: Address, seeded: Seeded) -> int:
    with psycopg.connect(address.url(APP, seeded.name)) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM rankings r JOIN assignments a ON a.id = r.assignment_id WHERE a.state = 'submitted'"
        ).fetchone()
    assert counted is not None
    return int(counted[0])
