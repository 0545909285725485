"""What a sample run asks for: which prompts, and of each the answers that are not stored yet."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.tables import Completion
from app.prompts.tables import Prompt
from app.runs.leases import Claim


def choose_prompts(session: Session, held: Claim) -> list[int]:
    """The prompts with the fewest answers by these models for people to rank, oldest first."""
    writers = list(held.inputs["models"].values())
    answers = (
        select(func.count())
        .where(
            Completion.prompt_id == Prompt.id,
            Completion.model_version_id.in_(writers),
            completions.is_to_be_ranked(),
        )
        .scalar_subquery()
    )
    query = select(Prompt.id).where(Prompt.project_id == held.project_id, Prompt.state == "active")
    if held.inputs.get("prompt_set_id") is not None:
        query = query.where(Prompt.prompt_set_id == held.inputs["prompt_set_id"])
    return list(session.scalars(query.order_by(answers, Prompt.id).limit(held.config["prompts"])))


def share(total: int, roles: list[str]) -> dict[str, int]:
    """How many of `total` answers each role writes: as even as can be, the first ones one more."""
    each, rest = divmod(total, len(roles))
    return {role: each + (place < rest) for place, role in enumerate(roles)}


def rows(session: Session, held: Claim, prompt_ids: list[int]) -> Iterator[dict[str, Any]]:
    """One row a prompt that lacks answers, with runs of consecutive missing sample indices a role."""
    models: dict[str, int] = held.inputs["models"]
    shares = share(held.config["completions_per_prompt"], sorted(models))
    stored = set(
        session.execute(
            select(Completion.prompt_id, Completion.model_version_id, Completion.sample_index).where(
                Completion.run_id == held.run_id
            )
        ).tuples()
    )
    for prompt in session.scalars(select(Prompt).where(Prompt.id.in_(prompt_ids)).order_by(Prompt.id)):
        requests = [
            {"model": role, "count": count, "first_index": first}
            for role, model_id in models.items()
            for first, count in gaps({i for i in range(shares[role]) if (prompt.id, model_id, i) not in stored})
        ]
        if requests:
            yield {"prompt_id": prompt.id, "messages": prompt.messages, "requests": requests}


def gaps(missing: set[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers, as (first, count): {0, 1, 4} → [(0, 2), (4, 1)]."""
    numbered = groupby(enumerate(sorted(missing)), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in numbered]
    return [(run[0], len(run)) for run in runs]
