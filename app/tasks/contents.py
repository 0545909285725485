"""What a task is about: its prompt, the texts of its completions, and the guidelines that hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.statements import Statement

# One value, so that a statement that finds a task can answer with this too.
CONTENTS_OF: Final = """
    (SELECT jsonb_build_object(
       'prompt_id', p.id, 'messages', p.messages, 'purpose', t.purpose,
       'guideline', (SELECT max(g.number) FROM guideline_versions g WHERE g.project_id = t.project_id),
       'texts', coalesce((SELECT jsonb_object_agg(c.id, c.text) FROM task_completions tc
                          JOIN completions c ON c.id = tc.completion_id WHERE tc.task_id = t.id), '{{}}'))
     FROM tasks t JOIN prompts p ON p.id = t.prompt_id WHERE t.id = {task})
"""
LOOK: Final = Statement(text(f"SELECT {CONTENTS_OF.format(task=':task')} AS contents"))


@dataclass(frozen=True, slots=True)
class Contents:
    """A task's prompt and purpose, its completions' texts by the id in digits, and the newest guidelines' number."""

    prompt_id: int
    messages: list[dict[str, Any]]
    purpose: str
    guideline: int | None
    texts: Mapping[str, str]


def contents_of(session: Session, task_id: int) -> Contents:
    """What the task is about."""
    return Contents(**LOOK.one(session, {"task": task_id}).contents)
