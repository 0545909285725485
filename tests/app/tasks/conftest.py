"""A run that writes completions."""

from dataclasses import dataclass

import pytest

from app.completions.service import SampledCompletion, add_sampled
from app.prompts.tables import Prompt
from app.runs.tables import Run
from tests.app.judgment_rows import World


@dataclass
class SampleRun:
    """A `sample` run of the test's project."""

    world: World
    id: int

    def writes(self, prompt: Prompt, texts: list[str]) -> None:
        """Store completions of a prompt, numbered on from those that are there."""
        self.written = getattr(self, "written", 0)
        rows = [
            SampledCompletion(
                prompt_id=prompt.id,
                model_version_id=self.world.model.id,
                sample_index=self.written + place,
                text=text,
                finish_reason="stop",
            )
            for place, text in enumerate(texts)
        ]
        self.written += len(texts)
        assert add_sampled(self.world.session, run_id=self.id, completions=rows) == len(texts)
        assert add_sampled(self.world.session, run_id=self.id, completions=rows) == 0


@pytest.fixture
def a_run(world: World) -> SampleRun:
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1)
    world.session.add(run)
    world.session.flush()
    return SampleRun(world, run.id)
