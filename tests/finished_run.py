"""Runs that have really been: the recipes, on simulated people and a tiny model, made once for all tests."""

import json
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from app.storage import FolderStore
from tests.tiny_model import build_tiny_model
from workers.rlhf import evaluation_report
from workers.rlhf.artifacts import CARD, Description, describe, seal
from workers.rlhf.evaluate import Asked, Said
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.evaluation_report import Evaluation, Reader
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

PROMPTS, PEOPLE, MODELS = 72, 4, ("Base 1", "SFT 1", "SFT 2")
CONFIG = {"lora_layers": 1, "minimum_steps": 4, "prompts_per_step": 8, "ties": "rao_kupper", "held_out": 0.5}
SENTENCES = (
    "Put hot water on the leaves and wait.",
    "It depends on what you want to do with it.",
    "Blue is a colour, please enjoy it.",
    "First look at **both** sides, then choose:\n\n- the left one\n- the right one",
    "The sea is deep, and it is cold.",
    "Thank you for asking.",
)


@dataclass(frozen=True)
class FinishedRun:
    """What the recipe told at its end, and the card it wrote."""

    metrics: dict[str, Any]
    report: dict[str, Any]
    card: str

    def stored(self, store: FolderStore) -> dict[str, Any]:
        """The result as a run's row keeps it, after an artifact with the card has been stored."""
        with tempfile.TemporaryDirectory() as folder:
            describe(Path(folder), Description(kind="reward"))
            (Path(folder) / CARD).write_text(self.card, encoding="utf-8")
            seal(Path(folder))
            stored = store.put(Path(folder))
        artifact = {"sha256": stored.sha256, "bytes": stored.size}
        return {"artifact": artifact, "metrics": self.metrics, "report": self.report}


@lru_cache
def finished_reward_run() -> FinishedRun:
    """The run; the same one every time."""
    told: list[Event] = []
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder)
        base = build_tiny_model(job / "base", steps=4)
        (job / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
        content = {"kind": "reward", "seed": 3, "threads": 1, "config": CONFIG, "models": {"base": str(base)}}
        (job / "config.json").write_text(json.dumps(content), encoding="utf-8")
        launch(open_job(job, told.append))
        card = (job / "out" / CARD).read_text(encoding="utf-8")
    report = json.loads(json.dumps(told[-1]["report"]))
    return FinishedRun(metrics=told[-1]["metrics"], report=report, card=card)


def rows() -> list[dict[str, Any]]:
    """Rankings of people who mostly like the later models better; some texts are too long, some are the same."""
    draw = Random(5)  # noqa: S311 - simulated people
    made = []
    for number in range(PROMPTS):
        count = 2 + number % 2
        worth = [place + draw.gauss(0, 0.8) for place in range(count)]
        annotations = []
        for person in range(PEOPLE):
            seen = [round((value + draw.gauss(0, 0.7)) / 0.9) for value in worth]
            order = sorted(set(seen), reverse=True)
            annotations.append({"annotator": str(person + 7), "ranks": [order.index(one) + 1 for one in seen]})
        # Texts of their own: prompts that share a completion would be one group.
        start = f"On matter {number + 1}, in short."
        texts = [" ".join([start, *draw.sample(SENTENCES, 1 + draw.randrange(3))]) for _ in range(count)]
        made.append(
            {
                "prompt_id": number + 1,
                "messages": [{"role": "user", "content": f"What should one know about matter {number + 1}?"}],
                "completions": [
                    {"id": 10 * number + place, "text": text, "model": MODELS[place]}
                    for place, text in enumerate(texts)
                ],
                "annotations": annotations,
            }
        )
    return made


def an_evaluation_report() -> dict[str, Any]:
    """What the recipe tells of a policy that a judge and its own reward model like better than the reference."""
    names = {"policy": (1.0, 0.5), "reference": (0.0, None)}
    found = Evaluation(
        config=EvaluateConfig(),
        asked=[Asked(number, [{"role": "user", "content": f"Question {number}?"}], [1]) for number in range(6)],
        writings={
            name: [[said(f"Answer {number} of {name}.", kl, score)] for number in range(6)]
            for name, (score, kl) in names.items()
        },
        readers=[
            Reader("Reward 2", "ab" * 32, "judge", "It had no hand in any of them."),
            Reader("Reward 1", "cd" * 32, "proxy", "It trained the policy."),
        ],
        flags={name: {"answers": range(6)} for name in names},
    )
    told: dict[str, Any] = json.loads(json.dumps(evaluation_report.report(found)))
    return told


def said(text: str, kl: float | None, score: float) -> Said:
    """A completion as an evaluation sees it."""
    chosen: Any = SimpleNamespace(ids=[1, 2], ended=True)
    scores = {"Reward 2": score, "Reward 1": 2 * score}
    # The reward model that was trained against is an ensemble, whose heads disagree more about what it led to.
    return Said(text=text, completion=chosen, kl=kl, scores=scores, spreads={"Reward 1": 0.1 + score / 2})
