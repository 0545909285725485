"""Workers that are frozen, or cut off, past their lease, and come back: what they write then is refused.

The controls come back without fences and must do damage that the books show.
"""

import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from app.config import get_settings
from tests.chaos import invariants, other_worker
from tests.chaos.killing import wait_until
from tests.chaos.proxy import Proxy, proxy_to
from tests.chaos.recipe import STEPS, chain
from tests.conftest import Database
from tests.servers import Servers
from tests.workers.jobs.stage import Working, made_by, read_run
from workers import scheduler
from workers.jobs import child

pytestmark = [pytest.mark.commits, pytest.mark.servers]

SEED = 7
QUICK, SLOW = 0.1, 0.5


def broken(database: Database) -> list[str]:
    """What the books say of the runs."""
    with psycopg.connect(database.url, row_factory=dict_row) as connection:
        found = list(invariants.broken_stories(connection.execute(invariants.STORY).fetchall()))
        books = {name: query for name, query in invariants.BOOKS.items() if name.startswith("N4")}
        return found + [
            f"{name}: {rows}" for name, query in books.items() if (rows := connection.execute(query).fetchall())
        ]


def take_away(run_id: int) -> None:
    """Let the scheduler's sweep take the run from its silent worker."""
    wait_until(lambda: scheduler.reap() or read_run(run_id).state == "queued", "the end of the lease", 30)


def by_another(run_id: int, monkeypatch: pytest.MonkeyPatch, gate: Path | None) -> Working:
    """A second worker at work on the run; with a gate it holds the run until a file of that name is there."""
    monkeypatch.setattr(child, "RECIPE", other_worker.recipe(QUICK, gate))
    wait_until(lambda: other_worker.is_due(run_id), "the end of the pause", 30)
    return Working(run_id).start()


def writes_under(run_id: int, fence: int) -> Callable[[], bool]:
    """Whether anything of a claim with this fence or a later one is in the run's story."""

    def found() -> bool:
        with psycopg.connect(get_settings().database_url.get_secret_value()) as connection:
            rows = connection.execute(
                "SELECT data->>'text' FROM run_events WHERE run_id = %s AND type = 'log'", (run_id,)
            ).fetchall()
        return any((invariants.fence_of(text) or 0) >= fence for (text,) in rows)

    return found


def check_the_end(run_id: int, database: Database, *, late: BaseProcess, unfenced: bool) -> None:
    """What the late worker's words did: as a control the books must show it, else the heir's run stands."""
    found = broken(database)
    if unfenced:
        assert found, "the books saw nothing of what an unfenced worker wrote"
        return
    assert found == []
    assert late.exitcode == 1
    run = read_run(run_id)
    assert (run.state, run.attempt) == ("succeeded", 2)
    assert made_by(run_id).artifact_sha256 == run.result["artifact"]["sha256"]
    assert run.result["report"]["weights"] == chain(run.seed, STEPS)


def thaw(pid: int) -> None:
    """Let a frozen process go on."""
    os.kill(pid, signal.SIGCONT)


def frozen(pid: int) -> bool:
    """Whether a process stopped itself."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


@pytest.mark.parametrize("point", ["report", "succeed"])
@pytest.mark.parametrize("unfenced", [False, True], ids=["fenced", "control"])
def test_what_a_frozen_worker_writes_when_it_wakes_is_refused(
    start: Callable[..., int],
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    unfenced: bool,
) -> None:
    run_id = start("reward")
    # What the control writes must meet the run in the heir's hands, however slow the machine is.
    gate = tmp_path / "gate" if unfenced else None
    # The control has no doubts either: one that notices by the clock that it slept too long writes nothing.
    how = {"unfenced": unfenced, "trusting": unfenced, "freeze_before": point}
    sleeper = other_worker.start(run_id, command=other_worker.recipe(QUICK), **how)
    try:
        wait_until(lambda: frozen(sleeper.pid), "the worker's sleep", 60)
        take_away(run_id)
        heir = by_another(run_id, monkeypatch, gate)
        wait_until(writes_under(run_id, read_run(run_id).fence), "the heir's first words", 30)
        if gate is None:
            heir.join()
        thaw(sleeper.pid)
        sleeper.join(60)
        if gate is not None:
            gate.touch()
        heir.join()
    finally:
        sleeper.kill()
    check_the_end(run_id, database, late=sleeper, unfenced=unfenced)


def through(proxies: dict[str, Proxy], servers: Servers, folder: Path) -> dict[str, str]:
    """Settings of a worker on another machine: both servers behind proxies, data of its own, the artifacts shared."""
    shared = get_settings().artifacts_dir
    shared.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    (folder / "artifacts").symlink_to(shared)
    database = get_settings().database_url.get_secret_value()
    return {
        "PLACKETT_DATA_DIR": str(folder),
        "PLACKETT_DATABASE_URL": database.replace(f":{servers.postgres.port}/", f":{proxies['postgres'].port}/"),
        "PLACKETT_REDIS_URL": servers.valkey_url.replace(f":{servers.valkey_port}/", f":{proxies['redis'].port}/"),
    }


@pytest.mark.parametrize("unfenced", [False, True], ids=["fenced", "control"])
def test_a_worker_that_is_cut_off_loses_its_run_and_its_late_writes_are_refused(
    start: Callable[..., int], database: Database, servers: Servers, tmp_path: Path, monkeypatch: Any, unfenced: bool
) -> None:
    run_id = start("reward")
    gate = tmp_path / "gate"
    with proxy_to(servers.postgres.port) as first, proxy_to(servers.valkey_port) as second:
        storing = other_worker.FORKING.Value("b", False)
        far = other_worker.start(
            run_id,
            command=other_worker.recipe(SLOW),
            unfenced=unfenced,
            trusting=True,
            storing=storing,
            settings=through({"postgres": first, "redis": second}, servers, tmp_path / "far"),
        )
        try:
            wait_until(lambda: read_run(run_id).progress, "the far worker's first words", 60)
            first.cut()
            second.cut()
            wait_until(lambda: storing.value, "words that are on their way for as long as the cut lasts", 30)
            take_away(run_id)
            heir = by_another(run_id, monkeypatch, gate)
            wait_until(writes_under(run_id, read_run(run_id).fence), "the heir's first words", 30)
            first.restore()
            second.restore()
            far.join(60)
            gate.touch()
            heir.join()
        finally:
            far.kill()
    check_the_end(run_id, database, late=far, unfenced=unfenced)
