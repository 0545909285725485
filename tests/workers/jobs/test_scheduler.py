"""The scheduler's duties: safe to do twice, and none keeps another from its turn."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import func, select, text, update

from app import retention
from app.auth.tables import IdempotencyKey
from app.config import get_settings
from app.db import transaction
from app.errors import Conflict
from app.loop.tables import Cycle
from app.projects.service import create_project
from app.registry import service as registry
from app.registry.service import NewModel
from app.runs import leases
from app.runs.tables import Run, ScheduleTick, Worker
from app.storage import FolderStore, Kept, verify
from tests.app.judgment_rows import World, submit, take
from tests.workers.jobs.stage import launched, read_run
from tests.workers.jobs.stand_in import write_artifact
from workers import scheduler

pytestmark = pytest.mark.commits

MakeWorld = Callable[..., World]


def count(table: type, *where: object) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def at_once(duty: Callable[[], None], times: int = 4) -> None:
    """Let several schedulers do a duty at the same moment."""
    threads = [threading.Thread(target=duty) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_low_pool_is_filled_once(make_world: MakeWorld) -> None:
    make_world(prompts=6)
    at_once(scheduler.fill_pools)
    assert count(Run, Run.kind == "sample") == 1


def test_enough_comparisons_start_one_cycle(make_world: MakeWorld) -> None:
    make_world(judgments=2, loop={"retrain_after_comparisons": 12})
    at_once(scheduler.retrain)
    assert count(Cycle) == 1
    with transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
    assert (cycle.trigger, cycle.created_by) == ("comparisons", None)
    assert read_run(cycle.reward_run_id or 0).state == "queued"


def test_too_few_comparisons_start_none_until_there_are_enough(make_world: MakeWorld) -> None:
    world = make_world(judgments=1, loop={"retrain_after_comparisons": 12})
    scheduler.retrain()
    assert count(Cycle) == 0
    with transaction() as session:
        world.session = session
        annotator = world.person()
        world.task()
        submit(session, take(world, annotator), annotator)
        session.execute(update(ScheduleTick).values(tick=ScheduleTick.tick - timedelta(minutes=1)))
    scheduler.retrain()
    assert count(Cycle) == 1


def test_a_tick_belongs_to_one_scheduler(make_world: MakeWorld) -> None:
    make_world()
    with transaction() as one:
        assert scheduler.first_at_tick(one, "duty", 3600)
    with transaction() as two:
        assert not scheduler.first_at_tick(two, "duty", 3600)


def test_a_duty_that_fails_keeps_no_other_from_its_turn(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> None:
        raise Conflict("stumbled")

    make_world(prompts=6)
    monkeypatch.setattr(scheduler, "DUTIES", (stumble, scheduler.fill_pools))
    scheduler.do_all()
    assert count(Run, Run.kind == "sample") == 1


def test_a_run_that_nobody_takes_says_so(make_world: MakeWorld) -> None:
    world = make_world(judgments=1)
    with transaction() as session:
        world.session = session
        run_id = launched(world, "reward")
        session.execute(update(Run).values(run_after=text("now() - interval '2 minutes'")))
        had = {"memory_bytes": 1, "room_bytes": 1, "cores": 1, "devices": [], "machine": "m", "kind": "cpu"}
        session.add(Worker(name="a worker", queues=["training"], **had))
    scheduler.notice_unserved()
    assert read_run(run_id).notice is None
    with transaction() as session:
        session.execute(update(Worker).values(seen_at=text("now() - interval '2 minutes'")))
    scheduler.notice_unserved()
    assert "training" in (read_run(run_id).notice or "")


def test_doorbells_do_not_pile_up_where_nobody_answers(make_world: MakeWorld) -> None:
    world = make_world(judgments=1)
    with transaction() as session:
        world.session = session
        launched(world, "reward")
        launched(world, "reward")
    assert doorbells("training") == 2
    for _ in range(5):
        ring_as_if_it_were_time()
    assert doorbells("training") == 2, "each round used to add one a run, for as long as nobody came"
    with redis() as client:
        client.lpop("training")
    ring_as_if_it_were_time()
    assert doorbells("training") == 2, "one was taken and its run still waits"
    with redis() as client:
        client.flushall()
    ring_as_if_it_were_time()
    assert doorbells("training") == 2, "all were lost"


def redis() -> Redis:
    return Redis.from_url(get_settings().redis_url.get_secret_value())


def doorbells(queue: str) -> int:
    with redis() as client:
        return client.llen(queue)


def ring_as_if_it_were_time() -> None:
    with transaction() as session:
        session.execute(update(Run).values(rung_at=leases.in_seconds(-scheduler.RING_AGAIN_SECONDS - 1)))
    scheduler.ring()


def test_a_queue_with_doorbells_keeps_no_other_from_being_rung(make_world: MakeWorld) -> None:
    world = make_world(judgments=1)
    with transaction() as session:
        world.session = session
        launched(world, "reward")
        session.get_one(Run, launched(world, "reward")).queue = "light"
    with redis() as client:
        client.delete("light")
        client.rpush("training", "another", "and another")
    ring_as_if_it_were_time()
    assert doorbells("light") == 1


def test_old_answers_are_forgotten(make_world: MakeWorld) -> None:
    world = make_world()
    with transaction() as session:
        world.session = session
        row = {"user_id": world.person().id, "route": "r", "request_sha256": b"", "status": 201, "body": {}}
        session.add(IdempotencyKey(key="new", **row))
        session.add(IdempotencyKey(key="old", created_at=func.now() - timedelta(days=3), **row))
    scheduler.clean_up()
    with transaction() as session:
        assert list(session.scalars(select(IdempotencyKey.key))) == ["new"]


def test_very_many_old_answers_are_forgotten_in_several_rounds(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "ROWS_AT_ONCE", 2)
    world = make_world()
    with transaction() as session:
        world.session = session
        row = {"user_id": world.person().id, "route": "r", "request_sha256": b"", "status": 201, "body": {}}
        session.add(IdempotencyKey(key="new", **row))
        long_ago = func.now() - timedelta(days=3)
        session.add_all(IdempotencyKey(key=f"old {number}", created_at=long_ago, **row) for number in range(5))
    left = []
    for _ in range(4):
        scheduler.clean_up()
        left.append(count(IdempotencyKey))
    assert left == [4, 2, 1, 1]
    assert count(ScheduleTick, ScheduleTick.name == "upkeep") == 1


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches end by their count alone, however slow the machine is."""
    monkeypatch.setattr(retention, "LONGEST_SECONDS", 600.0)


@pytest.fixture
def ended(make_world: MakeWorld) -> Iterator[list[Path]]:
    """The folders of five runs that ended a month ago."""
    project_id = make_world().project.id
    about = {"project_id": project_id, "kind": "ppo", "queue": "training", "config": {}, "seed": 1, "state": "failed"}
    with transaction() as session:
        runs = [Run(**about, finished_at=func.now() - timedelta(days=30)) for _ in range(5)]
        session.add_all(runs)
        session.flush()
        folders = [get_settings().runs_dir / str(run.id) for run in runs]
    for folder in folders:
        (folder / "7" / "checkpoints").mkdir(parents=True)
        (folder / "7" / "checkpoints" / "weights").write_text("w")
    yield folders
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def there(folders: list[Path]) -> int:
    return sum(folder.exists() for folder in folders)


@pytest.mark.usefixtures("unhurried")
def test_a_great_clean_up_leaves_the_other_duties_their_turns(
    ended: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    seen = []
    monkeypatch.setattr(scheduler, "DUTIES", (lambda: seen.append(there(ended)), scheduler.clean_storage))
    for _ in range(5):
        scheduler.do_all()
    assert seen == [5, 3, 1, 0, 0]
    assert count(ScheduleTick, ScheduleTick.name == "storage") == 1


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(("most", "free"), [(2, 3), (100, 0)], ids=["batches", "control-all-at-once"])
def test_a_great_clean_up_holds_few_rows(
    ended: list[Path], monkeypatch: pytest.MonkeyPatch, most: int, free: int
) -> None:
    """The control holds every run until the last folder is gone."""
    monkeypatch.setattr(retention, "MOST_AT_ONCE", most)
    rmtree, seen = shutil.rmtree, []

    def look(path: Path, **more: bool) -> None:
        with transaction() as session:
            ids = [int(folder.name) for folder in ended]
            held = select(Run.id).where(Run.id.in_(ids)).with_for_update(skip_locked=True)
            seen.append(len(session.scalars(held).all()))
        rmtree(path, **more)

    monkeypatch.setattr(retention.shutil, "rmtree", look)
    scheduler.clean_storage()
    assert min(seen) == free


@pytest.mark.usefixtures("unhurried")
def test_a_clean_up_that_is_killed_goes_on_and_takes_nothing_that_is_named(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = FolderStore(get_settings().artifacts_dir)
    hashes = []
    for weights in "abcd":
        write_artifact(tmp_path / weights, kind="policy", weights=weights)
        hashes.append(store.put(tmp_path / weights).sha256)
        os.utime(store.folder(hashes[-1]), (0, 0))
    named, *orphans = hashes
    world = make_world()
    with transaction() as session:
        registry.register_model(session, NewModel(project_id=world.project.id, kind="base", artifact_sha256=named))
    let_go, asked = FolderStore.let_go, []

    def die_at_the_second(self: FolderStore, kept: Kept, **more: Callable[[], bool]) -> bool:
        asked.append(kept.sha256)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return let_go(self, kept, **more)

    monkeypatch.setattr(FolderStore, "let_go", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        scheduler.clean_storage()
    assert sorted(there([store.folder(one)]) for one in orphans) == [0, 1, 1]
    # The turn was not used up: the next round goes on.
    scheduler.clean_storage()
    assert there([store.folder(one) for one in orphans]) == 0
    assert verify(store.folder(named)).sha256 == named


@pytest.mark.usefixtures("unhurried")
def test_what_a_killed_upload_left_is_swept_up_after_a_day(make_world: MakeWorld) -> None:
    make_world()
    settings = get_settings()
    left = [settings.artifacts_dir / ".incoming-1", settings.data_dir / ".text-1"]
    fresh = [settings.artifacts_dir / ".incoming-2", settings.data_dir / ".text-2"]
    for folder in (*left, *fresh):
        folder.mkdir(parents=True)
        (folder / "text.txt").write_text("Once")
    for folder in left:
        os.utime(folder, (0, 0))
    scheduler.clean_storage()
    assert [folder for folder in (*left, *fresh) if folder.exists()] == fresh
    for folder in fresh:
        shutil.rmtree(folder)


def test_a_project_that_is_refused_stops_no_other(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_world(prompts=6).project.id
    with transaction() as session:
        second = create_project(session, creator=None, name="Second").id
    seen = []

    def refuse_the_first(session: object, project_id: int) -> None:
        seen.append(project_id)
        if project_id == first:
            raise Conflict("not now")

    scheduler.one_by_one(scheduler.projects(), refuse_the_first)
    assert seen == [first, second]
