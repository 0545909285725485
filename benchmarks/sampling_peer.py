"""The peer's side of `sampling`: `generate` of transformers writes completions of the same planned lengths, timed.

Imports nothing of our engine.
"""

import resource
import time
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

from benchmarks.sampling_data import Writing, writing_of


class Planned(StoppingCriteria):
    """Ends each row when it is as long as planned."""

    def __init__(self, prompt: int, lengths: list[int]) -> None:
        self.prompt = prompt
        self.lengths = torch.tensor(lengths)

    def __call__(self, input_ids: Tensor, *_: Any, **__: Any) -> Tensor:
        """Which rows have ended."""
        return input_ids.size(1) - self.prompt >= self.lengths


def write(plan: dict[str, Any]) -> dict[str, Any]:
    """Write as planned; CPU seconds, tokens written, the first tokens of greedy completions, the peak in MiB."""
    torch.set_num_threads(1)
    torch.manual_seed(plan["seed"])
    writing = writing_of(plan)
    model = AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32).eval()
    pad = AutoTokenizer.from_pretrained(plan["model"]).pad_token_id
    ids, mask = padded(writing.prompts[:1], pad)
    greedy = model.generate(
        ids, attention_mask=mask, do_sample=False, max_new_tokens=plan["compared"], eos_token_id=None, pad_token_id=pad
    )[0, ids.size(1) :].tolist()
    started = time.process_time()
    for prompts in batches(writing, plan):
        generate(model, writing, prompts, plan, pad)
    return {
        "seconds": time.process_time() - started,
        "tokens": sum(writing.lengths),
        "greedy": greedy,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def batches(writing: Writing, plan: dict[str, Any]) -> list[list[int]]:
    """Places of prompts that are answered together: like lengths side by side, `width` completions at a time."""
    order = sorted(range(len(writing.prompts)), key=lambda place: -len(writing.prompts[place]))
    size = max(1, plan["width"] // plan["completions"])
    return [order[start : start + size] for start in range(0, len(order), size)]


def generate(model: Any, writing: Writing, places: list[int], plan: dict[str, Any], pad: int) -> None:
    """One batch, until its longest completion has ended."""
    ids, mask = padded([writing.prompts[place] for place in places], pad)
    count = plan["completions"]
    lengths = [length for place in places for length in writing.lengths[place * count : (place + 1) * count]]
    model.generate(
        ids,
        attention_mask=mask,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        num_return_sequences=count,
        max_new_tokens=max(lengths),
        eos_token_id=None,
        pad_token_id=pad,
        stopping_criteria=StoppingCriteriaList([Planned(ids.size(1), lengths)]),
    )


def padded(rows: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Ids and mask with the real tokens at the right edge."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask
