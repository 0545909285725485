"""A tree of children that is kept running and ends together."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app import instance
from app.embedded import children
from app.embedded.children import ChildFailedError, ChildSpec
from app.instance import Process
from app.terminal import Terminal, rotate

TICK_SECONDS = 0.1
FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0
SERVERS = frozenset({"postgres", "valkey"})


@dataclass
class Supervised:
    """A child that is kept running: its process, how often it died early, and when to try again."""

    spec: ChildSpec
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    early_deaths: int = 0
    try_again_at: float = 0.0

    def start(self) -> None:
        """Start it now."""
        self.process = children.start(self.spec, self.log)
        self.started_at = time.monotonic()

    def died(self) -> int | None:
        """Its exit code if it ended since the last look; whatever it left in its session is ended too."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        children.kill(self.process)
        self.process = None
        steady = time.monotonic() - self.started_at > STEADY_SECONDS
        self.early_deaths = 1 if steady else self.early_deaths + 1
        self.try_again_at = time.monotonic() + self.back_off()
        return code

    def back_off(self) -> float:
        """Seconds to wait before the next start: doubled with every early death."""
        return float(min(LONGEST_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2 ** (self.early_deaths - 1)))


@dataclass
class Tree:
    """All children of the service, in the order they start."""

    folder: Path
    terminal: Terminal
    members: list[Supervised] = field(default_factory=list)

    def add(self, spec: ChildSpec, *, shown: bool = True) -> Supervised:
        """Start one more child; `shown` puts its log on the terminal."""
        log = self.folder / f"{spec.name}.log"
        rotate(log)
        if shown:
            self.terminal.follow(spec.name, log)
        member = Supervised(spec, log)
        self.members.append(member)
        member.start()
        return member

    def tend(self) -> bool:
        """Restart what died and is due again; whether any child changed."""
        changed = False
        for member in self.members:
            if (code := member.died()) is not None:
                self.terminal.say(
                    f"plackett | {member.spec.name} ended with code {code}; it starts again in {member.back_off():g} s"
                )
                changed = True
            elif member.process is None and time.monotonic() >= member.try_again_at:
                self._start_again(member)
                changed = True
        return changed

    def _start_again(self, member: Supervised) -> None:
        try:
            member.start()
        except (OSError, ChildFailedError, subprocess.SubprocessError) as error:
            self.terminal.say(f"plackett | {member.spec.name} could not be started: {error}")
            member.early_deaths += 1
            member.try_again_at = time.monotonic() + member.back_off()

    def processes(self) -> list[Process]:
        """The children that run now, as others may find them."""
        alive = [(member.spec, member.process) for member in self.members if member.process]
        known = (instance.describe(spec.name, process.pid, spec.stop_signal) for spec, process in alive)
        return [process for process in known if process]

    def stop(self, hurry: Callable[[], bool]) -> None:
        """End all: the service first, its servers after, each group together; `hurry` makes it kill at once."""
        for servers in (False, True):
            group = [member for member in self.members if (member.spec.name in SERVERS) is servers]
            self._stop_group([member for member in group if member.process], hurry)

    def _stop_group(self, group: list[Supervised], hurry: Callable[[], bool]) -> None:
        for member in group:
            if member.process and member.process.poll() is None:
                member.process.send_signal(member.spec.stop_signal)
        deadline = time.monotonic() + max((member.spec.stop_seconds for member in group), default=0.0)
        while any(member.process and member.process.poll() is None for member in group):
            self.terminal.show_new_lines()
            if hurry() or time.monotonic() > deadline:
                break
            time.sleep(TICK_SECONDS)
        for member in group:
            if member.process:
                children.kill(member.process)
                member.process = None
        self.terminal.show_new_lines()


class StopRequests:
    """How often a person asked to stop: once means cleanly, twice means now."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    def hurry(self) -> bool:
        """Whether it was asked for more than once."""
        return self.count > 1
