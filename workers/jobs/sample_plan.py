"""What a sample run asks for: which prompts, and of each the answers that are not stored yet."""

from collections.abc import Iterator
from itertools import groupby
from math import ceil
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.tables import Completion
from app.prompts.tables import Prompt
from app.runs.leases import Claim


def choose_prompts(session: Session, held: Claim) -> list[int]:
    """The prompts with the fewest answers by these models for people to rank, oldest first.

    Where they have shares, the policy's answers count: a reference has answered everything long ago.
    """
    models: dict[str, int] = held.inputs["models"]
    writers = [models["policy"]] if held.inputs.get("shares") else list(models.values())
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


def drawn(total: int, shares: dict[str, float], *, seed: int, prompt_id: int) -> dict[str, int]:
    """How many of a prompt's `total` answers each role writes: on the mean over prompts its share, by the seed.

    Systematic sampling (Madow 1949): the roles' shares lie end to end on a line of length `total`, and the points
    u, u + 1, … fall on them, u between 0 and 1. So no prompt is further than one answer from a role's share. The policy
    writes at least one, else a prompt would count as unanswered.
    """
    start = Random(f"{seed}:{prompt_id}").random()  # noqa: S311 - to be drawn again
    counts, low = {}, 0.0
    scale = total / sum(shares.values())
    *others, last = sorted(shares)
    for role in [*others, last]:
        high = float(total) if role == last else low + scale * shares[role]
        counts[role] = ceil(high - start) - ceil(low - start)
        low = high
    if counts.get("policy") == 0:
        most = max(counts, key=lambda role: counts[role])
        counts["policy"], counts[most] = 1, counts[most] - 1
    return counts


def rows(session: Session, held: Claim, prompt_ids: list[int]) -> Iterator[dict[str, Any]]:
    """One row a prompt that lacks answers, with runs of consecutive missing sample indices a role."""
    models: dict[str, int] = held.inputs["models"]
    wanted, shares = held.config["completions_per_prompt"], held.inputs.get("shares")
    evenly = share(wanted, sorted(models))
    stored = set(
        session.execute(
            select(Completion.prompt_id, Completion.model_version_id, Completion.sample_index).where(
                Completion.run_id == held.run_id
            )
        ).tuples()
    )
    for prompt in session.scalars(select(Prompt).where(Prompt.id.in_(prompt_ids)).order_by(Prompt.id)):
        mine = drawn(wanted, shares, seed=held.seed, prompt_id=prompt.id) if shares else evenly
        requests = [
            {"model": role, "count": count, "first_index": first}
            for role, model_id in models.items()
            for first, count in gaps({i for i in range(mine[role]) if (prompt.id, model_id, i) not in stored})
        ]
        if requests:
            yield {"prompt_id": prompt.id, "messages": prompt.messages, "requests": requests}


def already(session: Session, held: Claim) -> int:
    """How many answers earlier attempts of this run have stored."""
    mine = select(func.count()).select_from(Completion).where(Completion.run_id == held.run_id)
    return session.scalar(mine) or 0


def gaps(missing: set[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers, as (first, count): {0, 1, 4} → [(0, 2), (4, 1)]."""
    numbered = groupby(enumerate(sorted(missing)), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in numbered]
    return [(run[0], len(run)) for run in runs]
