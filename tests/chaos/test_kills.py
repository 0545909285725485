"""kill -9 of everything, at random, while people rank and runs train: nothing acknowledged is lost or doubled.

The control lets Postgres acknowledge what it has not written (`synchronous_commit = off`): the same books must show
the loss, or they prove nothing.
"""

import time
from pathlib import Path
from random import Random, SystemRandom

import psutil
import psycopg
import pytest

from app.embedded.passwords import load_passwords
from app.embedded.postgres import SUPERUSER, Address
from tests.chaos.killing import wait_until
from tests.chaos.rounds import Chaos, Plan, shuffled

pytestmark = [pytest.mark.commits, pytest.mark.servers, pytest.mark.timeout(900)]

SERVICE_KILLS = {"postgres": 18, "redis": 12, "api": 5, "scheduler": 5}
CHILD_KILLS = 8


def test_nothing_is_lost_or_doubled_whatever_is_killed_and_the_control_loses(tmp_path: Path) -> None:
    seed = SystemRandom().randrange(2**32)
    random = Random(seed)  # noqa: S311 - simulated accidents
    plan = Plan(targets=shuffled(random, **SERVICE_KILLS, child=CHILD_KILLS), kills_a_round=8)
    chaos = Chaos(tmp_path, random, plan)
    try:
        with chaos.service():
            crowd = chaos.crowd()
            for broken in chaos.rounds():
                assert broken == []
            assert chaos.run_out(crowd) == []
            done = chaos.figures()
            assert sum(done["kills"].values()) == sum(SERVICE_KILLS.values()) + CHILD_KILLS
            assert done["runs"]["succeeded"] > 0
            assert done["runs_resumed"] > 0
            print(done, time.monotonic() - chaos.killer.began)
            lose_some(chaos)
    except BaseException:
        print(chaos.story(seed))
        raise


def lose_some(chaos: Chaos) -> None:
    """The control: the same crowd and books on a Postgres that acknowledges first and writes later."""
    forget_to_write(chaos)
    crowd = chaos.crowd()
    for _ in range(3):
        kill_all_of_postgres_after_an_answer(chaos)
        lost = [one for one in chaos.check() if one.startswith("N1 lost")]
        if lost:
            break
    crowd.stop()
    assert lost, "the books saw nothing of what a forgetful Postgres lost"


def forget_to_write(chaos: Chaos) -> None:
    """Acknowledge commits whose log is still in memory, and look only every ten seconds for what is to be written."""
    port = int(chaos.record().database_url.rpartition(":")[2].partition("/")[0])
    address = Address(port=port, passwords=load_passwords(chaos.data_dir))
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")


def kill_all_of_postgres_after_an_answer(chaos: Chaos) -> None:
    """End every process of the database at once, in the moment after twenty more judgments were acknowledged."""
    known = len(chaos.journal.accepted("/ranking"))
    wait_until(lambda: len(chaos.journal.accepted("/ranking")) >= known + 20, "twenty judgments")
    pid = wait_until(lambda: chaos.killer.pid_of("postgres"), "a Postgres")
    for process in [pid, *(one.pid for one in psutil.Process(pid).children())]:
        chaos.killer.kill_plainly(process)
    wait_until(lambda: chaos.killer.pid_of("postgres") not in {None, pid}, "a new Postgres")
