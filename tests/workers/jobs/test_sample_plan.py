"""Which answers a sample run asks for."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app.completions.service import SampledCompletion, add_sampled
from app.db import transaction
from app.prompts.tables import Prompt
from app.runs import leases
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import launched
from workers.jobs import sample_plan as plan


@pytest.mark.parametrize(
    ("missing", "expected"),
    [(set(), []), ({0, 1, 2}, [(0, 3)]), ({0, 1, 4}, [(0, 2), (4, 1)]), ({3, 5}, [(3, 1), (5, 1)])],
)
def test_gaps(missing: set[int], expected: list[tuple[int, int]]) -> None:
    assert plan.gaps(missing) == expected


@pytest.mark.parametrize(
    ("total", "roles", "expected"),
    [(4, ["a"], {"a": 4}), (4, ["a", "b"], {"a": 2, "b": 2}), (5, ["a", "b"], {"a": 3, "b": 2})],
)
def test_answers_are_shared_evenly(total: int, roles: list[str], expected: dict[str, int]) -> None:
    assert plan.share(total, roles) == expected


@pytest.mark.commits
def test_a_resumed_run_asks_only_for_what_is_missing(make_world: Callable[..., World]) -> None:
    world = make_world(prompts=2)
    with transaction() as session:
        world.session = session
        run_id = launched(world, "sample")
        held = leases.claim(session, run_id, owner="one", lease_seconds=60)
        assert held is not None
        first, second = plan.choose_prompts(session, held)
        answer(session, run_id, world.model.id, [(first, index) for index in range(4)] + [(second, 1)])
        assert list(plan.rows(session, held, [first, second])) == [
            {
                "prompt_id": second,
                "messages": session.get_one(Prompt, second).messages,
                "requests": [
                    {"model": "policy", "count": 1, "first_index": 0},
                    {"model": "policy", "count": 2, "first_index": 2},
                ],
            }
        ]


def answer(session: Session, run_id: int, model_id: int, places: list[tuple[int, int]]) -> None:
    written = [
        SampledCompletion(prompt_id=prompt_id, model_version_id=model_id, sample_index=index, text=f"{index}")
        for prompt_id, index in places
    ]
    assert add_sampled(session, run_id=run_id, completions=written) == len(places)
    assert add_sampled(session, run_id=run_id, completions=written) == 0
