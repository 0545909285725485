"""Two processes over gloo are one process with twice the accumulation."""

import json
import os
import socket
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.workers.rlhf.test_sft import QUICK, demonstrations
from workers.rlhf.cli import main
from workers.rlhf.processes import Team, buckets

CONFIG = QUICK | {"method": "full", "minimum_steps": 20, "rows_per_step": 6, "evaluate_every": 5, "sample_tokens": 4}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def arguments(folder: Path, base: Path) -> list[str]:
    data, config = folder / "data.jsonl", folder / "settings.json"
    folder.mkdir()
    data.write_text("".join(json.dumps(row) + "\n" for row in demonstrations()))
    # At most two texts a forward: at least three forwards a step, one after the other or side by side.
    config.write_text(json.dumps(CONFIG | {"tokens_per_forward": 100}))
    named = {"--data": data, "--config": config, "--model": base, "--out": folder / "run"}
    return ["train", "sft", *(str(word) for pair in named.items() for word in pair)]


def in_processes(count: int, words: list[str], folder: Path) -> list[str]:
    """Run the command in several processes as `accelerate launch` starts them; what each wrote to standard output."""
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    shared |= {"MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    # Forked, because a fresh interpreter would spend most of the test on imports.
    team = [forked(shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, words, folder) for rank in range(count)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in team]
    said = [(folder / f"{process}.out").read_text() for process in team]
    assert codes == [0] * count, said
    return said


def forked(environment: dict[str, str], words: list[str], folder: Path) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.environ.update(environment)
        with (folder / f"{os.getpid()}.out").open("w") as out, redirect_stdout(out):
            code = main([*words, "--quiet"])
    finally:
        os._exit(code)


def curve(folder: Path, name: str) -> list[float]:
    events = [json.loads(line) for line in (folder / "run" / "events.jsonl").read_text().splitlines()]
    return [event["metrics"][name] for event in events if event["type"] == "metric" and name in event["metrics"]]


def test_two_processes_are_one_with_twice_the_accumulation(tiny_base: Path, tmp_path: Path) -> None:
    assert main([*arguments(tmp_path / "one", tiny_base), "--quiet"]) == 0
    first, second = in_processes(2, arguments(tmp_path / "two", tiny_base), tmp_path)
    assert json.loads(first.splitlines()[-1])["steps"] == 20
    assert second == ""
    for name in ("loss", "eval/loss", "gradient_norm"):
        alone, together = curve(tmp_path / "one", name), curve(tmp_path / "two", name)
        assert len(alone) == len(together) > 4
        assert together == pytest.approx(alone, rel=1e-5)


def test_every_item_is_somebodys_share() -> None:
    shares = [Team(rank, 3).share(range(8)) for rank in range(3)]
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert Team(1, 2).share([1]) == []


def test_weights_of_one_type_are_exchanged_together() -> None:
    weights = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(1).bfloat16())]
    assert [[len(weight) for weight in bucket] for bucket in buckets(weights)] == [[2, 3], [1]]
    assert list(buckets([])) == []
