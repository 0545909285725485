"""A run of DPO to its end, by every likelihood that it can be asked for."""

from pathlib import Path

import pytest

from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.artifacts import verify
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

QUICK = {"minimum_steps": 1, "lora_layers": 1, "shown_tokens": 4, "learning_rate": 0.0, "tie_learning_rate": 0.0}
# Two of a ranking's four completions are equal: one of its six pairs is a tie.
TIE_RATE = 1 / 6


@pytest.mark.parametrize(
    ("how", "parameter"),
    [
        ({"ties": "rao_kupper"}, (1 + TIE_RATE) / (1 - TIE_RATE)),
        ({"ties": "davidson"}, 2 * TIE_RATE / (1 - TIE_RATE)),
        ({"ties": "half"}, None),
        ({"likelihood": "plackett_luce"}, None),
        ({"likelihood": "davidson_luce"}, 2 * TIE_RATE / (1 - TIE_RATE)),
    ],
    ids=["rao_kupper", "davidson", "half", "plackett_luce", "davidson_luce"],
)
def test_every_likelihood_ends_with_a_policy_and_its_tie_parameter(
    tiny_base: Path, tmp_path: Path, how: dict, parameter: float | None
) -> None:
    """At rates of 0 the parameter stays as it began: θ, ν or δ₂ at which equal scores tie as often as people did."""
    rows = ranked_rows(ranks=[2, 1, 2, 3])
    rows.append(rows[-1] | {"prompt_id": 99})
    events: list[Event] = []
    folder = write_job(tmp_path / "dpo", "dpo", rows, {"policy": tiny_base}, config=QUICK | how)
    launch(open_job(folder, events.append))
    told = events[-1]
    # Of three held-out rankings two are of one prompt, which people read once.
    shown = [event["prompt"] for event in events if event["type"] == "sample" and event["step"] == 0]
    assert len(shown) == len(set(shown)) == told["report"]["prompts"]["shown"] == 2
    assert told["sha256"] == verify(folder / "out")
    assert told["report"]["tie_parameter"] == (None if parameter is None else pytest.approx(parameter, rel=1e-4))
