"""A worker that hears nothing while runs are rung for ends itself; one that works, or has nothing to do, does not."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, update

from app import isolation
from app.db import transaction
from app.embedded.children import free_port
from app.isolation import NotIsolatedError
from app.runs import leases
from app.runs.tables import Run
from tests.workers.jobs.conftest import database, make_world, start
from workers import listening
from workers.celery_app import DOORBELLS, begin_listening
from workers.listening import DEAF_SECONDS, Ear, watch

__all__ = ["database", "make_world", "start"]
pytestmark = [pytest.mark.commits, pytest.mark.servers]


def rung(run_id: int, *, seconds_ago: float = 1.0, due_ago: float = DEAF_SECONDS, **values: object) -> None:
    with transaction() as session:
        when = {"rung_at": leases.in_seconds(-seconds_ago), "run_after": leases.in_seconds(-due_ago)}
        session.execute(update(Run).where(Run.id == run_id).values(**when, **values))


def deaf_for(seconds: float) -> Ear:
    ear = Ear()
    ear.heard_at -= seconds
    return ear


def test_a_minute_of_silence_while_a_run_is_rung_for_is_deafness(start: Callable[..., int]) -> None:
    rung(start("reward"))
    assert deaf_for(DEAF_SECONDS + 1).is_deaf(["light", "training"])
    assert not deaf_for(DEAF_SECONDS - 30).is_deaf(["training"])
    assert not deaf_for(DEAF_SECONDS + 1).is_deaf(["light"]), "another queue's doorbells are not for this worker"


def test_silence_is_no_deafness_where_nobody_rings(start: Callable[..., int]) -> None:
    run_id = start("reward")
    rung(run_id, seconds_ago=listening.RUNG_SECONDS + 5)
    assert not deaf_for(DEAF_SECONDS + 1).is_deaf(["training"])
    rung(run_id, state="cancelled", finished_at=func.now())
    assert not deaf_for(DEAF_SECONDS + 1).is_deaf(["training"])


def test_a_doorbell_that_is_on_its_way_is_none_that_was_not_heard(start: Callable[..., int]) -> None:
    rung(start("reward"), seconds_ago=0.0, due_ago=1.0)
    assert not deaf_for(DEAF_SECONDS + 1).is_deaf(["training"])


def test_a_worker_at_work_is_not_deaf_and_starts_to_count_when_it_is_done(start: Callable[..., int]) -> None:
    rung(start("reward"))
    ear = deaf_for(DEAF_SECONDS + 1)
    with ear.answering():
        assert not ear.is_deaf(["training"])
    assert not ear.is_deaf(["training"])


def test_a_database_that_is_away_says_nothing_about_ears(database: object, use_settings: Callable[..., object]) -> None:
    use_settings(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    assert not deaf_for(DEAF_SECONDS + 1).is_deaf(["training"])


def test_a_deaf_worker_ends(start: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    rung(start("reward"))
    monkeypatch.setattr(listening, "ear", deaf_for(DEAF_SECONDS + 1))
    ended: list[bool] = []
    watch(["training"], end=lambda: ended.append(True))
    assert ended == [True]


def test_a_worker_watches_its_doorbells_also_where_required_isolation_does_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_settings: object) -> None:
        raise NotIsolatedError("there is no sandbox")

    watched: list[object] = []
    monkeypatch.setattr(isolation, "found", refuse)
    monkeypatch.setattr(listening, "begin", watched.append)
    with pytest.raises(NotIsolatedError):
        begin_listening()
    assert len(watched) == 1


def test_no_unanswered_acknowledgement_can_stop_a_worker_from_hearing() -> None:
    assert DOORBELLS["worker_prefetch_multiplier"] == 0
    assert DOORBELLS["worker_disable_prefetch"] is True
