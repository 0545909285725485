"""Whether a run that this worker has taken fits here: a claim sees to it, once the worker has said what it has."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.runs import capacity, leases
from app.runs.leases import Claim
from app.runs.tables import Run
from workers.jobs import devices, hardware

# By then this worker has said what it has, and claims nothing that is too large for it.
REST_SECONDS = 60.0


def lacks(session: Session, held: Claim) -> bool:
    """Whether the run is too large for here; False where nothing is known of it, or somebody insisted."""
    said = session.get_one(Run, held.run_id).estimate
    if said is None or said.get("insisted"):
        return False
    here = hardware.here()
    return bool(said["memory"][here.kind] > capacity.room_of(here, devices.share_of(held).processes))


def hand_back(session: Session, held: Claim) -> None:
    """Leave the run to a worker that has room for it."""
    why = f"This worker ({hardware.here().machine}) has too little memory for it; it waits for a larger one."
    leases.hand_back(session, held, why=why, rest_seconds=REST_SECONDS)


def write_down(session: Session, held: Claim) -> None:
    """Keep with the run on what machine it works: how long the like of it takes depends on that."""
    mine = update(Run).where(Run.id == held.run_id, Run.fence == held.fence)
    session.execute(mine.values(machine=hardware.here().machine).execution_options(synchronize_session=False))
