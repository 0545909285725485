"""Two prompt sets with the same prompt, accepted at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.db import transaction
from app.prompts import service
from app.prompts.parsing import GoodLine
from app.prompts.service import NewPromptSet
from app.prompts.tables import Prompt, PromptSet
from tests.app import cast

pytestmark = pytest.mark.commits


def test_a_prompt_comes_in_once_however_many_sets_hold_it(committed_database):
    with transaction() as session:
        project = cast.a_project(session)
        lines = [GoodLine(line, [{"role": "user", "content": f"{line}"}], None) for line in range(1, 201)]
        ids = [
            service.stage_prompts(
                session, project_id=project.id, actor=None, parsed=lines, new=NewPromptSet(name="n", file_name="n.txt")
            ).id
            for _ in range(3)
        ]
        extra = GoodLine(1, [{"role": "user", "content": "only here"}], None)
        ids.append(service.stage_prompts(
            session, project_id=project.id, actor=None, parsed=[extra, *lines],
            new=NewPromptSet(name="n", file_name="n.txt"),
        ).id)  # fmt: skip

    def accept(prompt_set_id: int) -> int:
        with transaction() as session:
            return service.accept(session, actor=None, prompt_set=session.get(PromptSet, prompt_set_id)).good

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(accept, ids))
    assert sum(added) == 201
    with transaction() as session:
        assert session.scalar(select(func.count()).where(Prompt.state == "active")) == 201
        assert session.scalar(select(func.count()).where(Prompt.state == "staged")) == 0
