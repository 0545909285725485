"""What a run would take beside what the workers have: told before it starts, refused where none has room."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from app.runs import capacity, estimates
from app.runs.amounts import data_of
from app.runs.capacity import Offer
from app.runs.shapes import built, shape_of
from app.runs.tables import Run, Worker
from app.runs.work import Player, Work
from app.storage import store
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World
from tests.workers.jobs import stand_in
from tests.workers.jobs.stage import a_stocked_world, with_demonstrations, with_judgments
from workers.rlhf import swift_layers
from workers.rlhf.configs import config_from

GIGABYTE = 10**9
# SmolLM2-135M.
MODEL = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
}


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project whose live model tells its shape and where one task is ranked."""
    world = with_judgments(a_stocked_world(session, tmp_path / "base"))
    known = tmp_path / "known"
    stand_in.write_artifact(known, kind="base", weights="known")
    (known / "MANIFEST.json").unlink()
    (known / "config.json").write_text(json.dumps(MODEL))
    stand_in.seal(known)
    world.model.artifact_sha256 = store().put(known).sha256
    session.flush()
    return world


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def with_worker(session: Session, room: int, name: str = "here:1", **about: Any) -> None:
    """A worker of the training queue that is there."""
    fields = {"kind": "cpu", "memory_bytes": room, "cores": 2, "processes": 1, "devices": [], "machine": "2 × Slow"}
    capacity.offer(session, Offer(**{"name": name, "queues": ["training"], "room_bytes": room, **fields, **about}))


def estimated(rosa: TestClient, world: World, **wanted: Any) -> dict[str, Any]:
    answer = rosa.post(f"/api/v1/projects/{world.project.id}/runs/estimate", json={"kind": "reward", **wanted})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def launch(who: TestClient, world: World, **wanted: Any) -> Any:
    return who.post(f"/api/v1/projects/{world.project.id}/runs", json={"kind": "reward", **wanted})


def a_finished_run(like: Run, *, attempt: int, seconds: float) -> Run:
    """One on the slow machine that took so long from its first start to its end."""
    names = ("project_id", "kind", "queue", "config", "inputs", "seed", "estimate")
    return Run(
        **{name: getattr(like, name) for name in names},
        state="succeeded",
        result={},
        machine="2 × Slow",
        attempt=attempt,
        started_at=func.now() - timedelta(seconds=seconds),
        finished_at=func.now(),
    )


def test_without_a_worker_the_estimate_says_so_and_nothing_is_refused(rosa: TestClient, world: World) -> None:
    found = estimated(rosa, world)
    assert (found["verdict"], found["places"]) == ("no_worker", [])
    # The weights alone: 134.5 million numbers of 4 bytes.
    assert found["takes_bytes"] > 134_515_008 * 4
    assert found["tokens"] > 0
    assert launch(rosa, world).status_code == 201


def test_what_could_not_be_launched_says_why(rosa: TestClient, world: World) -> None:
    found = estimated(rosa, world, kind="sft")
    assert found["verdict"] == "not_launchable"
    assert "demonstrations" in found["why"]
    assert estimated(rosa, world, config={"epochs": 0})["why"] == "epochs: must be at least 1, not 0"


def test_an_estimate_launches_nothing(rosa: TestClient, session: Session, world: World) -> None:
    estimated(rosa, world)
    assert session.query(Run).count() == 0


def test_a_run_that_fits_no_worker_is_refused_with_what_to_change(
    rosa: TestClient, session: Session, world: World
) -> None:
    takes = estimated(rosa, world, config={"method": "full"})["takes_bytes"]
    with_worker(session, takes - 1)
    found = estimated(rosa, world, config={"method": "full"})
    assert found["verdict"] == "too_large"
    first = found["places"][0]["smaller"][0]
    assert (first["setting"], first["value"], first["memory"] < takes) == ("method", "lora", True)
    assert sum(found["places"][0]["parts"].values()) == takes

    refused = launch(rosa, world, config={"method": "full"})
    problem = refused.json()
    assert (refused.status_code, problem["field"]) == (422, "config.method")
    assert problem["type"].endswith("does-not-fit")
    assert f"{takes / GIGABYTE:.1f} GB" in problem["detail"]
    assert "method = lora" in problem["advice"]
    assert launch(rosa, world, config={"method": "lora"}).status_code == 201
    # Exactly as much as it takes is enough, on whichever worker.
    with_worker(session, takes, name="larger:1")
    assert launch(rosa, world, config={"method": "full"}).status_code == 201


def test_only_an_admin_insists(client: OpenClient, rosa: TestClient, session: Session, world: World) -> None:
    with_worker(session, GIGABYTE // 2)
    assert launch(rosa, world, ignore_estimate=True).status_code == 403
    admin = browser(client, session, world.person("admin", "Ada"))
    insisted = launch(admin, world, ignore_estimate=True)
    assert insisted.status_code == 201
    assert session.get_one(Run, insisted.json()["id"]).estimate["insisted"] is True


def test_a_worker_that_fell_silent_or_serves_another_queue_counts_for_nothing(
    rosa: TestClient, session: Session, world: World
) -> None:
    with_worker(session, GIGABYTE // 2, name="silent:1")
    session.execute(update(Worker).values(seen_at=func.now() - timedelta(seconds=capacity.LIVE_SECONDS + 1)))
    with_worker(session, GIGABYTE // 2, name="light:1", queues=["light"])
    assert estimated(rosa, world)["verdict"] == "no_worker"
    capacity.withdraw(session, "light:1")
    assert session.query(Worker).count() == 1


def test_a_launch_is_refused_where_no_worker_has_both_the_memory_and_the_devices(
    rosa: TestClient, session: Session, world: World
) -> None:
    with_demonstrations(world, 2)
    asked = {"kind": "sft", "devices": 2}
    with_worker(session, 80 * GIGABYTE, kind="cuda", processes=2)
    takes = estimated(rosa, world, **asked)["places"][0]["takes_bytes"]
    session.execute(update(Worker).values(processes=1))
    with_worker(session, takes - 1, name="many:1", kind="cuda", processes=4)
    assert [place["name"] for place in estimated(rosa, world, **asked)["places"]] == ["many:1"]
    refused = launch(rosa, world, **asked)
    assert (refused.status_code, refused.json()["type"].endswith("does-not-fit")) == (422, True)
    with_worker(session, takes, name="many:1", kind="cuda", processes=4)
    assert launch(rosa, world, **asked).status_code == 201


def test_on_a_processor_each_process_counts_with_its_part(rosa: TestClient, session: Session, world: World) -> None:
    with_demonstrations(world, 2)
    with_worker(session, 20 * GIGABYTE, processes=4)
    rooms = [
        estimated(rosa, world, **asked)["places"][0]["room_bytes"] / GIGABYTE
        for asked in ({"kind": "sft"}, {"kind": "sft", "devices": 2}, {"kind": "reward"})
    ]
    assert rooms == [5, 10, 20]


def test_several_processes_write_a_rounds_completions_in_parts() -> None:
    shape = built({"preset": "llama-small", "layers": 0, "width": 0, "vocabulary": 4096, "context": 256})
    config = {"prompts_per_update": 64, "samples_per_prompt": 2, "max_new_tokens": 32}
    alone = Work(kind="ppo", config=config, players={"policy": Player(shape=shape, base="x")})
    rows = [estimates.SIDE_BY_SIDE["ppo"](replace(alone, processes=count))[0] for count in (1, 3, 4)]
    assert rows == [128, 44, 32]
    sizes = [estimates.writing(replace(alone, processes=count), "cuda") for count in (1, 4)]
    assert sizes[0] == 4 * sizes[1]


def test_a_model_on_a_processor_writes_from_a_copy_unless_it_is_too_large() -> None:
    shape = built({"preset": "llama-small", "layers": 0, "width": 0, "vocabulary": 4096, "context": 256})
    matrices = shape.layers * sum(into * out for into, out in shape.matrices) + 4096 * shape.width
    assert estimates.copied(shape) == 4 * matrices
    assert estimates.copied(replace(shape, vocabulary=2**31 // (4 * shape.width))) == 0
    assert estimates.MOST_COPIED == swift_layers.MOST_BYTES


@pytest.mark.parametrize("setting", ["width", "heads", "layers", "patience", "learning_rate"])
@pytest.mark.parametrize("value", [10**160, 10**320], ids=["huge", "beyond-floats"])
def test_an_absurd_number_is_refused_and_names_its_setting(setting: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"{setting}: must be at most"):
        config_from("pretrain", {setting: value})


def test_a_model_of_absurd_size_is_one_of_which_nothing_is_known() -> None:
    assert shape_of(MODEL) is not None
    assert [shape_of(MODEL | {"hidden_size": size}) for size in (10**160, -1, float("inf"))] == [None] * 3


def test_what_an_estimate_says_has_an_end() -> None:
    found = capacity.Estimate(tokens=1, memory={"cpu": {"weights": 10**30}}, smaller={}, base="x")
    assert found.takes("cpu") == 2**60
    assert found.kept(insisted=False)["memory"] == {"cpu": 2**60}


def test_a_device_has_its_own_room(rosa: TestClient, session: Session, world: World) -> None:
    with_worker(session, 80 * GIGABYTE, kind="cuda", memory_bytes=1)
    place = estimated(rosa, world)["places"][0]
    assert place["fits"]
    # A base that only reads has numbers of 2 bytes there.
    assert place["parts"]["weights"] == 134_515_008 * 2


def test_of_a_model_whose_shape_nobody_knows_nothing_is_said(
    session: Session, tmp_path: Path, client: OpenClient
) -> None:
    world = with_judgments(a_stocked_world(session, tmp_path / "unknown"))
    rosa = browser(client, session, world.person("researcher", "Rosa"))
    with_worker(session, 1)
    found = estimated(rosa, world)
    assert (found["verdict"], found["tokens"], found["takes_bytes"], found["places"]) == ("unknown", None, None, [])
    assert launch(rosa, world).status_code == 201


def test_time_is_that_of_earlier_runs_on_the_same_machine_and_weights(
    rosa: TestClient, session: Session, world: World
) -> None:
    with_worker(session, 20 * GIGABYTE)
    with_worker(session, 10 * GIGABYTE, name="other:1", machine="8 × Fast")
    assert [one["seconds"] for one in estimated(rosa, world)["places"]] == [None, None]
    launched = session.get_one(Run, launch(rosa, world).json()["id"])
    session.add(a_finished_run(launched, attempt=1, seconds=100))
    session.flush()

    slow, fast = estimated(rosa, world, config={"minimum_steps": 24})["places"]
    assert slow["seconds"] == pytest.approx(200)
    assert (slow["earlier"], fast["seconds"], fast["earlier"]) == (1, None, 0)


def test_runs_on_another_number_of_devices_say_nothing_of_the_pace(
    rosa: TestClient, session: Session, world: World
) -> None:
    with_demonstrations(world, 2)
    with_worker(session, 20 * GIGABYTE, processes=2)
    launched = session.get_one(Run, launch(rosa, world, kind="sft", devices=2).json()["id"])
    finished = a_finished_run(launched, attempt=1, seconds=100)
    finished.devices = 2
    session.add(finished)
    session.flush()
    found = [estimated(rosa, world, kind="sft", devices=devices)["places"][0] for devices in (2, 1, None)]
    assert [place["earlier"] for place in found] == [1, 0, 0]


def test_a_run_that_was_taken_up_again_says_nothing_of_the_pace(
    rosa: TestClient, session: Session, world: World
) -> None:
    with_worker(session, 20 * GIGABYTE)
    launched = session.get_one(Run, launch(rosa, world).json()["id"])
    session.add(a_finished_run(launched, attempt=2, seconds=100))
    session.flush()
    assert estimated(rosa, world)["places"][0]["seconds"] is None


def test_what_is_read_is_counted_where_it_lies(session: Session, world: World) -> None:
    with_judgments(world, 2)
    ranked = data_of(session, "reward", world.project.id, {"models": {"base": world.model.id}})
    assert ranked.rows == 3
    assert (ranked.replies, ranked.most_replies) == (4, 4)
    assert 0 < ranked.reply <= ranked.longest_reply
    with_demonstrations(world, 5)
    assert data_of(session, "sft", world.project.id, {}).rows == 5
    prompts = data_of(session, "sample", world.project.id, {"prompt_set_id": None})
    assert prompts.rows == 3 + 3 + 5
    assert 0 < prompts.prompt <= prompts.longest_prompt
    assert data_of(session, "sample", world.project.id, {"prompt_set_id": 999_999}).rows == 0
