"""Writing tasks: a prompt that wants demonstrations, each by another person."""

from sqlalchemy.orm import Session

from app.tasks import slots
from app.tasks.assignment import CLASSES
from app.tasks.tables import Task


def create_writing_task(session: Session, *, project_id: int, prompt_id: int, overlap: int) -> Task:
    """A task that asks `overlap` people to write an answer to a prompt.

    Draws queue numbers, so it holds the project's queue lock until the transaction ends: call it last, and commit soon.
    """
    _half_done, new = CLASSES["writing"]
    task = Task(project_id=project_id, prompt_id=prompt_id, overlap=overlap, priority_class=new, kind="writing")
    session.add(task)
    session.flush()
    slots.open_slots(session, task, overlap)
    return task
