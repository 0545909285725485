"""What an evaluation tells people that its figures can't."""

from pathlib import Path

from tests.tiny_model import EXCHANGES, build_tiny_model
from tests.workers.rlhf.conftest import write_job
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

QUICK = {"prompts": 3, "samples_per_prompt": 1, "max_new_tokens": 4, "max_prompt_tokens": 40, "text_tokens": 64}


def test_cut_prompts_and_other_vocabularies_are_told(tiny_base: Path, tmp_path: Path) -> None:
    others = [("Say hi to the fox.", "The fox jumps over many lazy dogs."), *EXCHANGES[:2]]
    foreign = build_tiny_model(tmp_path / "foreign", seed=4, steps=2, exchanges=others)
    asks = [*(ask for ask, _ in EXCHANGES[:2]), "Why? " * 20]
    rows = [
        {"prompt_id": place, "split": "test", "messages": [{"role": "user", "content": ask}]}
        for place, ask in enumerate(asks)
    ]
    roles = {"policy": tiny_base, "reference": tiny_base, "rival": foreign}
    folder = write_job(tmp_path / "job", "evaluate", rows, roles, config=QUICK)
    (folder / "pretrain.txt").write_text("A river is water that runs to the sea.")
    events: list[Event] = []
    launch(open_job(folder, events.append))
    warnings = [event["text"] for event in events if event["type"] == "log" and event["level"] == "warning"]
    assert [text for text in warnings if "max_prompt_tokens" in text] == [
        f"1 prompts are longer than max_prompt_tokens: {name} read them without their start." for name in roles
    ]
    assert "rival has another vocabulary than the reference: their perplexities can't be compared." in warnings
    (row,) = events[-1]["report"]["forgetting"]
    assert set(row["perplexity"]) == {"policy", "reference"}
    assert row["nats_more_than_reference"] == {"policy": 0.0}
