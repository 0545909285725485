"""How a child ended, in words a person can act on."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.runs.leases import Failure

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "out_of_memory": "Lower the prompts per forward or the longest completion, use LoRA, or give the worker more "
        "memory.",
        "gpu_out_of_memory": "Lower the prompts per forward or the longest completion, or use LoRA: the GPU's memory "
        "did not suffice.",
        "gpu_error": "Start the run again. If it happens once more, look at the GPU and its driver: dmesg names them.",
        "crashed": "The end of the log below says where. If it happens again with the same seed, report it.",
        "killed": "Most often the system ran out of memory: lower the prompts per forward, or look at its log.",
        "hung": "The end of the log below says where each thread was. If a step of this run takes that long, raise "
        "PLACKETT_RUN_HANG_SECONDS.",
        "non_finite": "Lower the learning rate, then start a new run.",
        "bad_data": "Look at the data that the message names.",
        "bad_model": "Import the model again.",
        "disk_full": "Free space in the data folder, then start the run again; checkpoints are kept.",
        "not_isolated": "Run `plackett doctor` where the worker runs: it says what the sandbox lacks.",
        "error": "The end of the log below says what happened.",
    }
)
# Where Linux counts what its out-of-memory killer ended: in this control group, else on the whole machine.
OOM_COUNTERS: Final = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
# A wrapper (a shell, bwrap, accelerate) tells a signal that ended what it ran as 128 and its number.
SIGNALLED: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """The child's last line, `result`."""

    artifact: str | None
    sha256: str | None
    metrics: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """The child ended because it was asked to; `step` is that of the checkpoint it wrote, None where it writes none."""

    step: int | None


@dataclass(frozen=True, slots=True)
class Stall:
    """The child died or hung without a word of its own: the same run may well get further from its last checkpoint."""

    failure: Failure


def success_of(result: dict[str, Any]) -> Success:
    """The parts of a `result` line."""
    return Success(
        artifact=result.get("artifact"),
        sha256=result.get("sha256"),
        metrics=result.get("metrics") or {},
        report=result.get("report") or {},
    )


def failure(reason: str, text: str, *, advice: str | None = None, log: str = "") -> Failure:
    """A failure with the usual advice for its reason and the end of the child's log."""
    error = f"{text}\n\n{log}" if log else text
    return Failure(reason=reason, error=error, advice=advice or ADVICE.get(reason, ADVICE["error"]))


def judge(
    code: int,
    *,
    result: dict[str, Any] | None,
    told: dict[str, Any] | None,
    paused: dict[str, Any] | None,
    ran_out_of_memory: bool,
    log: str,
) -> Success | Failure | Stall | Pause:
    """What the exit code, the `result`, `failure` or `paused` line and the system's counter say together."""
    if code == 0 and result is not None:
        return success_of(result)
    if told is not None:
        return failure(str(told.get("reason") or "error"), str(told.get("text")), advice=told.get("advice"), log=log)
    if code == 0 and paused is not None:
        return Pause(paused["step"])
    if code == 0:
        return failure("error", "The training process ended without a result.", log=log)
    number = -code if code < 0 else code - SIGNALLED
    if number <= 0:
        return failure("error", f"The training process failed with exit code {code}.", log=log)
    return Stall(_ended_by(number, ran_out_of_memory=ran_out_of_memory, log=log))


def _ended_by(number: int, *, ran_out_of_memory: bool, log: str) -> Failure:
    name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL and ran_out_of_memory:
        return failure("out_of_memory", f"The system killed the training process ({name}): out of memory.", log=log)
    reason = "killed" if number == signal.SIGKILL else "crashed"
    return failure(reason, f"The training process was ended by {name}.", log=log)


def hung(seconds: float, *, log: str) -> Stall:
    """The child said nothing for so long that it was ended."""
    text = f"The training process said nothing for {seconds:g} seconds and was ended."
    return Stall(failure("hung", text, log=log))


def memory_kills() -> int:
    """How often the system's out-of-memory killer struck here so far; 0 where that cannot be known."""
    for counter in OOM_COUNTERS:
        try:
            lines = counter.read_text().splitlines()
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0
