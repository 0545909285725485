"""A run's events for a person at a terminal: a bar on standard error, and all of them in a file."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from workers.rlhf.job import Emit, Event

# Where no terminal can show a bar, a line is written at most this often.
SECONDS_BETWEEN_LINES: Final = 10.0
SHOWN: Final = ("loss", "eval/loss", "accuracy/train", "objective/scores", "objective/kl", "tokens_per_second")


class Watcher:
    """Draws events as they come."""

    def __init__(self, bar: Progress, console: Console) -> None:
        self.bar = bar
        self.console = console
        self.task = bar.add_task("starting", total=None, figures="")
        self.figures: dict[str, float] = {}
        self.written = time.monotonic()

    def see(self, event: Event) -> None:
        """Show one event."""
        match event["type"]:
            case "step":
                self.bar.update(self.task, description=event["phase"], completed=event["step"], total=event["total"])
                self._line(event)
            case "metric":
                known = {name: event["metrics"][name] for name in SHOWN if event["metrics"].get(name) is not None}
                self.figures |= known
                self.bar.update(self.task, figures=self._figures())
            case "log":
                self.console.print(f"[bold]{event['level']}[/]: {escape(event['text'])}")
            case "sample":
                self.console.print(f"[dim]step {event['step']}[/] {escape(event['prompt'])}")
                self.console.print(f"  → {escape(event['completion'])}")

    def _figures(self) -> str:
        return "  ".join(f"{name} {value:.4g}" for name, value in self.figures.items())

    def _line(self, event: Event) -> None:
        now, ended = time.monotonic(), event["step"] == event["total"]
        if not self.console.is_terminal and (ended or now - self.written >= SECONDS_BETWEEN_LINES):
            self.console.print(f"{event['phase']} {event['step']}/{event['total']}  {self._figures()}")
            self.written = now


@contextmanager
def watched(events: Path, *, quiet: bool = False) -> Iterator[Emit]:
    """Somewhere to tell events to; they are written to a file as well, which is made with the first of them."""
    console = Console(file=sys.stderr, quiet=quiet)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    bar = Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[figures]}"), console=console)
    file: TextIO | None = None

    def emit(event: Event) -> None:
        nonlocal file
        file = file or events.open("a", encoding="utf-8")
        file.write(json.dumps(event, ensure_ascii=False) + "\n")
        file.flush()
        watcher.see(event)

    with bar:
        watcher = Watcher(bar, console)
        try:
            yield emit
        finally:
            if file:
                file.close()
