"""DPO runs: freeze the judgments, improve the policy on them, register a candidate."""

from sqlalchemy.orm import Session

from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs import reward
from workers.jobs.kind import Kind, register
from workers.jobs.outcome import Success


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the new policy."""
    register(session, held, success, stored, "policy")


KIND = Kind(prepare=reward.prepare, finish=finish)
