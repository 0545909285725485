"""What this machine lends to training processes: memory, cores, accelerators."""

import json
import logging
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from app.config import get_settings
from workers.jobs import child

logger = logging.getLogger(__name__)

# What a control group allows at most (versions 2 and 1), where the worker is in a container.
MEMORY_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
PROCESSORS: Final = Path("/proc/cpuinfo")
# Torch takes seconds to ask; where no driver has made one of these there is no device to ask for.
DEVICE_FILES: Final = "nvidia[0-9]*"
PROBE: Final = [sys.executable, "-m", "workers.rlhf.devices"]
PROBE_SECONDS: Final = 300
GIBIBYTE: Final = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An accelerator with a memory of its own, in bytes."""

    kind: str
    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a training process may use here: bytes of memory, cores, devices; `machine` names what decides the speed."""

    memory_bytes: int
    cores: int
    devices: tuple[Device, ...]
    machine: str
    # What one process may have at most, whatever the machine has; 0: no limit.
    limit_bytes: int = 0

    @property
    def kind(self) -> str:
        """On what a process computes."""
        return self.devices[0].kind if self.devices else "cpu"

    @property
    def room_bytes(self) -> int:
        """The memory of one process there: of several devices each holds all of the model, so the smallest counts.

        Without a device that is what a process has that is alone; several share `memory_bytes`.
        """
        alone = min(self.memory_bytes, self.limit_bytes or self.memory_bytes)
        return min((device.memory_bytes for device in self.devices), default=alone)


def here() -> Hardware:
    """This machine, as the settings lend it."""
    settings = get_settings()
    cores = settings.torch_threads or len(os.sched_getaffinity(0))
    found = devices()
    return Hardware(
        memory_bytes=memory(),
        cores=cores,
        devices=found,
        machine=machine_of(found, cores, processor()),
        limit_bytes=int(settings.run_memory_gb * GIBIBYTE),
    )


def memory(limits: Iterable[Path] = MEMORY_LIMITS) -> int:
    """Bytes that training processes have together: the less of the machine's and the container's."""
    most = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in limits:
        said = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
        if said.isdigit():
            most.append(int(said))
    return min(most)


@lru_cache
def devices() -> tuple[Device, ...]:
    """The accelerators that a training process finds here; asked once, in a process of its own as it would be."""
    return probed(PROBE) if any(Path("/dev").glob(DEVICE_FILES)) else ()


def probed(command: Sequence[str]) -> tuple[Device, ...]:
    """What `command` prints as JSON; none, with a warning, where it fails: then training goes on the processor."""
    around = child.environment(Path.home(), threads=1, online=False)
    try:
        ended = subprocess.run(
            command, env=around, cwd=child.ROOT, capture_output=True, timeout=PROBE_SECONDS, check=True, text=True
        )
        found: list[dict[str, Any]] = json.loads(ended.stdout)
        return tuple(Device(**one) for one in found)
    except (subprocess.SubprocessError, OSError, ValueError, TypeError) as error:
        logger.warning("cannot tell which accelerators are here: %s", error)
        return ()


def machine_of(found: Sequence[Device], cores: int, model: str) -> str:
    """What decides the speed, in words: "1 × NVIDIA H100 80GB HBM3", or "2 × AMD EPYC 9754 128-Core Processor"."""
    names = Counter(device.name for device in found) or {model: cores}
    return ", ".join(f"{count} × {name}" for name, count in names.items())


def processor(description: Path = PROCESSORS) -> str:
    """The processor's name."""
    lines = description.read_text(encoding="utf-8", errors="replace").splitlines() if description.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
