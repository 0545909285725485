"""How long the rest of what a run is at takes, by its own pace of late."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

# The pace is that of the last so many steps, and of the last minute at least: several may end in one moment.
RECENT_STEPS: Final = 20
RECENT_SECONDS: Final = 60.0


@dataclass(slots=True)
class Pace:
    """When which step was done, of what is done at present; a run that goes on later begins anew."""

    phase: tuple[str, int] | None = None
    done_at: deque[tuple[float, int]] = field(default_factory=deque)

    def seconds_left(self, phase: str, done: int, total: int, now: float | None = None) -> float | None:
        """Seconds until all of `total` steps of a phase are done; None until one of them has been timed."""
        now = time.monotonic() if now is None else now
        if self.phase != (phase, total) or (self.done_at and done < self.done_at[-1][1]):
            self.phase = (phase, total)
            self.done_at.clear()
        self.done_at.append((now, done))
        while len(self.done_at) > RECENT_STEPS + 1 and now - self.done_at[1][0] >= RECENT_SECONDS:
            self.done_at.popleft()
        since, before = self.done_at[0]
        return round((now - since) / (done - before) * (total - done), 1) if done > before else None
