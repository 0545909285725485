"""Flags of people's own: they say what they are about, and none of them stops a run or takes its memory."""

import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.workers.rlhf.conftest import write_job
from workers.rlhf import evaluate_run
from workers.rlhf.configs import config_from
from workers.rlhf.data import BadDataError
from workers.rlhf.flags import FLAGS, flagged, read_flags
from workers.rlhf.job import Event, open_job

# Twice as many ways to fail with every sign more.
SLOW = "(a|a)*$"
LONG = "a" * 60 + "!"
PATIENCE = 0.05


def test_flags_say_which_texts_to_look_at() -> None:
    texts = ["Write to a.b@c.org.", "Call +44 20 7946 0958.", "All is well at 10:30.", "You IDIOT, see www.x.org"]
    found = flagged(texts)
    assert found["e-mail address"] == [0]
    assert found["phone number"] == [1]
    assert found["insult"] == found["link"] == [3]
    assert all(2 not in places for places in found.values() if places is not None)


def test_flags_can_be_ones_own() -> None:
    own = read_flags("# ours\n\ncolour: \\b(red|blue)\\b; shape: round\n")
    assert flagged(["a red one", "reddish", "round"], own) == {"colour": [0], "shape": [2]}
    assert flagged(["ДУРАК!", "дурака"], {"insult": r"\bдурак\b"}) == {"insult": [0]}
    for text in ("colour: (", "no pattern", ": x", "fine: y; worse"):
        with pytest.raises(ValueError, match=r"^line 1: "):
            read_flags(text)


def test_a_pattern_that_takes_ages_is_given_up_and_the_others_are_not() -> None:
    found = flagged(["aaa", LONG], {"slow": SLOW, "end": "!$"}, seconds=PATIENCE)
    assert found == {"slow": None, "end": [1]}


def test_the_same_pattern_never_ends_where_nobody_gives_it_up() -> None:
    """The control: what patterns went through before."""
    code = f"import re; re.search({SLOW!r}, {LONG!r})"
    limit = partial(resource.setrlimit, resource.RLIMIT_CPU, (1, 2))
    stopped = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, check=False)
    assert stopped.returncode == -signal.SIGXCPU


@pytest.mark.parametrize("flags", FLAGS)
def test_ours_read_the_longest_completions_in_time(flags: str) -> None:
    hostile = ["a" * 40_000, "1 " * 20_000, "a@" * 20_000, "kill" * 10_000, " " * 40_000]
    assert flagged(hostile, {flags: FLAGS[flags]})[flags] is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a{60000}){60000}",
        "(?:a?b){100000000}",
        "(?x)(?:a{6 0 0 0 0}){6 0 0 0 0}",
        "(?:" + "x" * 1000 + "){200}",
        "(" * 900 + "a" + ")" * 900,
    ],
    ids=["nested", "long", "spaces", "wide", "deep"],
)
def test_a_pattern_that_would_take_all_memory_is_refused_by_its_field(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^flags: line 1: "):
        config_from("evaluate", {"flags": f"big: {pattern}"})


def test_counts_of_everyday_use_are_fine() -> None:
    for pattern in (r"[A-Z]{2}\d{2}[A-Z0-9]{4}\d{7}[A-Z0-9]{0,16}", r"(?:\d{4}[ -]?){4}", r"\w{3,}\s{2,60000}"):
        assert config_from("evaluate", {"flags": f"one: {pattern}"}).flags == f"one: {pattern}"


def test_a_slow_flag_is_told_once_and_left_out_for_every_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_run, "flagged", partial(flagged, seconds=PATIENCE))
    events: list[Event] = []
    job = open_job(write_job(tmp_path, "evaluate", [], {}, config={}), events.append)
    writings: Any = {
        "policy": [[SimpleNamespace(text="aa!"), SimpleNamespace(text=LONG)]],
        "reference": [[SimpleNamespace(text="aa")]],
    }
    found = evaluate_run.raised(job, {"slow": SLOW, "end": "!$"}, writings)
    assert found == {"policy": {"end": [0, 1]}, "reference": {"end": []}}
    (told,) = events
    assert told["level"] == "warning"
    assert "The flag slow took more than" in told["text"]


def test_a_file_of_flags_that_cannot_be_read_is_bad_data(tmp_path: Path) -> None:
    job = open_job(write_job(tmp_path, "evaluate", [], {}, config={"flags": "trees: tree"}), lambda _: None)
    assert evaluate_run.flags_of(job).keys() == FLAGS.keys() | {"trees"}
    (tmp_path / "flags.txt").write_text("fine: x\ncolour: (\n")
    with pytest.raises(BadDataError, match="flags: line 2: 'colour: \\('"):
        evaluate_run.flags_of(job)
