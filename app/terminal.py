"""Log files of several children, followed onto one terminal, each line with the name of who wrote it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

ROTATE_BYTES = 20_000_000
COLOURS = (36, 32, 35, 33, 34, 31)


@dataclass
class FollowedLog:
    """One log file and how far it was shown."""

    name: str
    path: Path
    offset: int = 0
    partial: bytes = b""

    def new_lines(self) -> list[str]:
        """The complete lines written since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        *lines, self.partial = (self.partial + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def rotate(path: Path, limit: int = ROTATE_BYTES) -> None:
    """Move a log that grew past `limit` bytes aside, keeping one old file. Only while nobody writes to it."""
    if path.exists() and path.stat().st_size > limit:
        path.replace(path.with_suffix(".old.log"))


class Terminal:
    """Shows followed logs; children write to their files, so a stopped terminal stops no child."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.colour = self.stream.isatty()
        self.logs: list[FollowedLog] = []
        self.broken = False

    def follow(self, name: str, path: Path) -> None:
        """Show what is written to `path` from now on."""
        offset = path.stat().st_size if path.exists() else 0
        self.logs.append(FollowedLog(name, path, offset))

    def show_new_lines(self) -> None:
        """Print what the followed logs gained."""
        for number, log in enumerate(self.logs):
            for line in log.new_lines():
                self.say(f"{self._label(number, log.name)} {line}")

    def say(self, text: str) -> None:
        """Print one line at once; a terminal that was closed is no reason to stop."""
        if self.broken:
            return
        try:
            print(text, file=self.stream, flush=True)
        except OSError:
            self.broken = True

    def _label(self, number: int, name: str) -> str:
        label = f"{name:<9}|"
        return f"\033[{COLOURS[number % len(COLOURS)]}m{label}\033[0m" if self.colour else label
