"""Slows down guessing: failed sign-ins are counted in Postgres, so that a flushed Redis forgives nobody.

Three counts over the last 15 minutes: by account and network together (tight), by network, and by account from
everywhere (wide, so that a stranger who keeps guessing does not lock the owner out).
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app import locks
from app.auth.tables import SignInAttempt
from app.errors import TooManyRequests

WINDOW = timedelta(minutes=15)
PER_PAIR, PER_NETWORK, PER_ACCOUNT = 10, 60, 200


@dataclass(frozen=True, slots=True)
class Subjects:
    """What one try is counted under; hashes, so that the table tells nothing about who tried."""

    pair: str
    network: str
    account: str

    def limits(self) -> dict[str, int]:
        """How many failures each may have in the window."""
        return {self.pair: PER_PAIR, self.network: PER_NETWORK, self.account: PER_ACCOUNT}


def subjects_of(email: str, address: str | None) -> Subjects:
    """The subjects of a try to sign in as `email` from the network of `address`."""
    network, account = network_of(address), email.strip().casefold()
    return Subjects(
        pair=_digest("pair", account, network), network=_digest("network", network), account=_digest("account", account)
    )


def network_of(address: str | None) -> str:
    """What counts as one place: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(known) if known.version == 4 else str(ip_network(f"{known}/64", strict=False))


def count_try(session: Session, subjects: Subjects) -> None:
    """Count a try as failed before it is made (`forgive` takes it back); `TooManyRequests` when there were too many.

    Tries on one account from one network wait for each other, so that many at once cannot slip past the count.
    """
    locks.hold(session, f"sign in {subjects.pair}")
    counted = session.execute(
        select(SignInAttempt.subject, func.count())
        .where(SignInAttempt.subject.in_(subjects.limits()), SignInAttempt.at > func.now() - WINDOW)
        .group_by(SignInAttempt.subject)
    )
    failures: dict[str, int] = dict(counted.tuples().all())
    if any(failures.get(subject, 0) >= limit for subject, limit in subjects.limits().items()):
        raise TooManyRequests(
            "there were too many failed tries to sign in",
            advice="Wait 15 minutes, then try again. An open browser stays signed in.",
            retry_after_seconds=int(WINDOW.total_seconds()),
        )
    session.add_all(SignInAttempt(subject=subject) for subject in subjects.limits())
    session.flush()


def forgive(session: Session, subjects: Subjects) -> None:
    """Forget the failures of an account from this network: the right password was given."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.subject == subjects.pair))
    for subject in (subjects.network, subjects.account):
        newest = select(func.max(SignInAttempt.id)).where(SignInAttempt.subject == subject).scalar_subquery()
        session.execute(delete(SignInAttempt).where(SignInAttempt.id == newest))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
