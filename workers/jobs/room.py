"""Whether a run that this worker has taken fits here: the launch looked at the workers of then, and at the largest."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.runs import capacity
from app.runs.leases import Claim, Failure
from app.runs.tables import Run
from workers.jobs import hardware

NO_ROOM = "too_large"


def refusal(session: Session, held: Claim) -> Failure | None:
    """Why the run must not start here; None where it has room, nothing is known of it, or somebody insisted."""
    said = session.get_one(Run, held.run_id).estimate
    if said is None or said.get("insisted"):
        return None
    here = hardware.here()
    takes = said["memory"][here.kind]
    if takes <= here.room_bytes:
        return None
    error = (
        f"The run would take about {capacity.words(takes)}, and this worker ({here.machine}) has "
        f"{capacity.words(here.room_bytes)}: it was not started."
    )
    found = capacity.estimate(session, held.kind, held.project_id, held.config, held.inputs)
    advice = None if found is None else capacity.advice(found, here.kind, here.room_bytes)
    return Failure(reason=NO_ROOM, error=error, advice=advice or capacity.LARGER)


def write_down(session: Session, held: Claim) -> None:
    """Keep with the run on what machine it works: how long the like of it takes depends on that."""
    mine = update(Run).where(Run.id == held.run_id, Run.fence == held.fence)
    session.execute(mine.values(machine=hardware.here().machine).execution_options(synchronize_session=False))
