"""How `plackett`'s commands and their arguments are declared: a command is a function, its help the docstring."""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, Protocol

Command = Callable[[Namespace], int | None]


class Commands(Protocol):
    """A place for commands: the program's own, or a group's."""

    def add_parser(self, name: str, **options: Any) -> ArgumentParser:
        """Add one command's parser."""
        ...


def add_command(commands: Commands, name: str, command: Command) -> ArgumentParser:
    """Add a command; the parser is returned for its arguments."""
    words = command.__doc__ or ""
    parser = commands.add_parser(name, help=words.splitlines()[0], description=words, allow_abbrev=False)
    parser.set_defaults(command=command)
    return parser


def add_group(commands: Commands, name: str, about: str) -> Commands:
    """Add a command that has commands of its own."""
    parser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    return parser.add_subparsers(required=True, metavar="COMMAND")


def new_parser(description: str | None) -> tuple[ArgumentParser, Commands]:
    """The program's parser and the place for its commands."""
    parser = argparse.ArgumentParser(prog="plackett", description=description, allow_abbrev=False)
    return parser, parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
