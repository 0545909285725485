"""What a run would take, on the wire."""

from typing import Literal

from pydantic import BaseModel

from app.runs import capacity
from app.runs.capacity import Estimate, Place


class SmallerRead(BaseModel):
    """A setting that takes less memory: what it could be, and the bytes that the run would take then."""

    model_config = {"from_attributes": True}

    setting: str
    value: int | str
    memory: int


class PlaceRead(BaseModel):
    """A worker that is there: its bytes for a process of the run, those that one takes there, and whether they fit.

    `parts` says what they are for. `seconds` is known from `earlier` runs of the kind on such a machine and the same
    weights, and null before the first. `smaller` are settings to change where it does not fit.
    """

    name: str
    machine: str
    room_bytes: int
    takes_bytes: int
    parts: dict[str, int]
    fits: bool
    seconds: float | None
    earlier: int
    smaller: list[SmallerRead]


class EstimateRead(BaseModel):
    """What a run would take before it is started.

    `verdict`: it fits a worker that is there; it fits none; no worker is there to fit; nothing is known of its models;
    or it could not be launched as it is, for the reason `why`. `takes_bytes` is without a GPU.
    """

    verdict: Literal["fits", "too_large", "no_worker", "unknown", "not_launchable"]
    why: str | None = None
    tokens: int | None
    takes_bytes: int | None
    places: list[PlaceRead]


def estimate_read(found: Estimate | None, places: list[Place]) -> EstimateRead:
    """The wire form of an estimate."""
    if found is None:
        return EstimateRead(verdict="unknown", tokens=None, takes_bytes=None, places=[])
    fits = any(place.fits for place in places)
    return EstimateRead(
        verdict="no_worker" if not places else "fits" if fits else "too_large",
        tokens=found.tokens,
        takes_bytes=found.takes("cpu"),
        places=[_place(found, place) for place in places],
    )


def _place(found: Estimate, place: Place) -> PlaceRead:
    worker = place.worker
    settings = [] if place.fits else capacity.in_order(found, worker.kind, place.room)
    return PlaceRead(
        name=worker.name,
        machine=worker.machine,
        room_bytes=place.room,
        takes_bytes=place.takes,
        parts=dict(found.memory[worker.kind]),
        fits=place.fits,
        seconds=place.seconds,
        earlier=place.earlier,
        smaller=[SmallerRead.model_validate(one) for one in settings],
    )
