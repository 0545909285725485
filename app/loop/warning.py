"""Tell webhooks that people are about to wait for tasks."""

from typing import Final

from sqlalchemy.orm import Session

from app.loop.pool import DRY
from app.tasks import service as tasks
from app.webhooks import outbox

# With as many tasks again the pool counts as filled, so that one task more or less is not told each time.
FILLED: Final = 2 * DRY


def warn(session: Session, project_id: int) -> None:
    """Say that fewer tasks than `DRY` are left to rank, once until there are `FILLED`."""
    if not outbox.wanted(session, project_id, outbox.POOL_LOW):
        return
    ready = tasks.count_ready_tasks(session, project_id, enough=FILLED)
    if ready < DRY:
        outbox.put_pool_low(session, project_id)
    elif ready >= FILLED:
        outbox.pool_filled(session, project_id)
