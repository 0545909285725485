"""How many processes share a run here, and how many threads each has."""

import os
from dataclasses import dataclass

from app.config import get_settings
from app.runs.leases import Claim
from workers.jobs import hardware
from workers.rlhf.configs import SHARED


@dataclass(frozen=True, slots=True)
class Share:
    """What a run gets of this machine: so many processes with so many threads each."""

    processes: int
    threads: int


def count() -> int:
    """The most processes that one run may have here: what the settings say, else one a GPU, or one without."""
    return get_settings().worker_devices or len(hardware.devices()) or 1


def share_of(held: Claim) -> Share:
    """What a run gets: the devices that it asks for, or all; recipes that one process works off alone get one."""
    most = count() if held.kind in SHARED else 1
    processes = min(held.devices or most, most)
    threads = get_settings().torch_threads or len(os.sched_getaffinity(0))
    return Share(processes, max(1, threads // processes))
