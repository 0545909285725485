"""Our side of `sampling`: the engine writes completions of planned lengths, timed."""

import resource
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.sampling_data import Writing, writing_of
from workers.rlhf import sampling
from workers.rlhf.allocator import keep_freed_memory
from workers.rlhf.data import chat_of
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.sampling import Sampling, row_seed, sample
from workers.rlhf.sampling_rows import Rows


def write(plan: dict[str, Any]) -> dict[str, Any]:
    """Write as planned; CPU seconds, tokens written, the first tokens of greedy completions, the peak in MiB."""
    torch.set_num_threads(1)
    keep_freed_memory()
    writing = writing_of(plan)
    causal = AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32)
    model = LanguageModel(causal.eval(), chat_of(AutoTokenizer.from_pretrained(plan["model"])), "benchmark")
    role = Role(model, None)
    stop, longest = model.chat.stop_id, max(writing.lengths)
    greedy = sample(role, writing.prompts[:1], [0], [0], Sampling(temperature=0.0, max_new_tokens=plan["compared"]))
    sampling.Rows = planned(writing, stop)
    seeds = [row_seed(plan["seed"], place) for place in range(len(writing.owner))]
    started = time.process_time()
    done = sample(role, writing.prompts, writing.owner, seeds, Sampling(max_new_tokens=longest), width=plan["width"])
    seconds = time.process_time() - started
    assert [len(completion.ids) for completion in done] == writing.lengths
    return {
        "seconds": seconds,
        "tokens": sum(writing.lengths),
        "greedy": greedy[0].ids,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def planned(writing: Writing, stop: int) -> type[Rows]:
    """Rows that end when they are as long as planned: random weights would never end by themselves."""

    class Planned(Rows):
        def _write_down(self, row: int, token: int, logprob: float, entropy: float, value: float) -> None:
            ends = len(self.completions[row].ids) + 1 == writing.lengths[row]
            super()._write_down(row, stop if ends else max(token, stop + 1), logprob, entropy, value)

    return Planned
