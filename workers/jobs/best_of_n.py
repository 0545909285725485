"""Best-of-n runs: freeze the train prompts, store every completion with its score, register what learnt the best."""

from typing import Any

from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.service import SampledCompletion
from app.runs.events import Event
from app.runs.leases import Claim
from workers.jobs import ppo
from workers.jobs.kind import Kind


def record(session: Session, held: Claim, lines: list[dict[str, Any]]) -> list[Event]:
    """Store completions with what the reward model said of them; no task is opened for them."""
    writer: int = held.inputs["models"]["policy"]
    how = {name: held.config[name] for name in ("temperature", "max_new_tokens", "max_prompt_tokens")}
    written = [
        SampledCompletion(
            prompt_id=line["prompt_id"],
            model_version_id=writer,
            sample_index=line["sample_index"],
            text=line["text"],
            seed=line.get("seed"),
            finish_reason=line.get("finish_reason"),
            token_count=line.get("token_count"),
            sampling={**how, **{name: line.get(name) for name in ("logprob", "score", "chosen")}},
        )
        for line in lines
    ]
    completions.add_sampled(session, run_id=held.run_id, completions=written)
    return []


KIND = Kind(prepare=ppo.prepare, record=record, finish=ppo.finish)
