"""The peer's side of `reward_quality`: TRL's RewardTrainer on majority pairs, one model a job.

Runs in the peer's environment and imports nothing of our engine.
"""

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

SCORED_TOGETHER = 16
# Long texts in fp32 without checkpointing: the whole step at once would fill a GPU that several processes share.
MICRO_BATCHES = 2


def work(plan: dict[str, Any]) -> dict[str, Any]:
    """Do job after job, each written to a file of its own when it is done."""
    torch.set_float32_matmul_precision("high")
    rows = json.loads(Path(plan["tokens"]).read_text(encoding="utf-8"))
    for job in plan["jobs"]:
        found = train(plan, job, rows)
        path = Path(plan["results"]) / f"{job['key']}.json"
        path.with_suffix(".part").write_text(json.dumps(found), encoding="utf-8")
        path.with_suffix(".part").rename(path)
    return {"done": len(plan["jobs"])}


def train(plan: dict[str, Any], job: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Train on the job's pairs at its rate, then score both completions of every held-out item."""
    started = time.perf_counter()
    pairs = [pair_of(rows[number]) for number in job["train"] if rows[number]["winner"] is not None]
    tokenizer = AutoTokenizer.from_pretrained(plan["base"])
    model: Any = AutoModelForSequenceClassification.from_pretrained(plan["base"], num_labels=1, dtype=torch.float32)
    model.config.pad_token_id = tokenizer.pad_token_id
    with tempfile.TemporaryDirectory() as out:
        trainer = RewardTrainer(
            model=model,
            args=settings(out, plan, job),
            train_dataset=Dataset.from_list(pairs),
            processing_class=tokenizer,
        )
        loss = trainer.train().training_loss
    return {
        "loss": loss,
        "steps": trainer.state.global_step,
        "seconds": time.perf_counter() - started,
        "scores": scores(trainer.model, rows, job["held"], tokenizer.pad_token_id),
        "peak_mb": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
    }


def pair_of(row: dict[str, Any]) -> dict[str, list[int]]:
    """A row of the trainer's preference format."""
    return {"chosen_ids": row["ids"][row["winner"]], "rejected_ids": row["ids"][1 - row["winner"]]}


def settings(out: str, plan: dict[str, Any], job: dict[str, Any]) -> RewardConfig:
    """The trainer's own recipe; given are the rate, the batch, one pass, and what only speed and memory depend on."""
    return RewardConfig(
        output_dir=out,
        learning_rate=job["rate"],
        per_device_train_batch_size=plan["per_step"] // MICRO_BATCHES,
        gradient_accumulation_steps=MICRO_BATCHES,
        num_train_epochs=1,
        seed=job["seed"],
        max_length=None,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=10**9,
    )


@torch.no_grad()
def scores(model: Any, rows: Sequence[dict[str, Any]], held: Sequence[int], pad: int) -> dict[str, list[float]]:
    """The model's score of both completions of some items, by the item's number."""
    model.eval()
    texts = sorted(
        ((number, place) for number in held for place in (0, 1)), key=lambda at: len(rows[at[0]]["ids"][at[1]])
    )
    found: dict[str, list[float]] = {str(number): [0.0, 0.0] for number in held}
    for start in range(0, len(texts), SCORED_TOGETHER):
        part = texts[start : start + SCORED_TOGETHER]
        ids = [torch.tensor(rows[number]["ids"][place]) for number, place in part]
        batch = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=pad).to(model.device)
        said = model(input_ids=batch, attention_mask=(batch != pad).long()).logits[:, 0].tolist()
        for (number, place), score in zip(part, said, strict=True):
            found[str(number)][place] = score
    return found
