"""The sandbox of training processes: what its command says, and a probe that believes nothing but what it tried."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import isolation
from app.config import Settings
from app.isolation import Isolation, NotIsolatedError

# What every sandbox does once it has read its own arguments.
RUN = 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"'


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    isolation.probe.cache_clear()
    yield
    isolation.probe.cache_clear()


@pytest.fixture
def bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that puts a program named `bwrap`, a shell script, before all others."""

    def put(script: str) -> None:
        program = tmp_path / "bin" / "bwrap"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return put


def arguments(tmp_path: Path, **more: object) -> list[str]:
    given = {"hidden": tmp_path / "data", "readable": [], "online": False, **more}
    return isolation.command(tmp_path / "data" / "runs" / "1", **given)


def has(command: list[str], *words: object) -> bool:
    """Whether the words stand in the command one after the other."""
    wanted = [str(word) for word in words]
    return any(command[place : place + len(wanted)] == wanted for place in range(len(command)))


def test_the_sandbox_has_no_network_and_one_writable_folder(tmp_path: Path) -> None:
    command = arguments(tmp_path)
    folder = tmp_path / "data" / "runs" / "1"
    assert "--unshare-net" in command
    assert has(command, "--cap-drop", "ALL")
    assert "--die-with-parent" in command
    assert [command[place + 1] for place, word in enumerate(command) if word == "--bind"] == [str(folder)]
    assert command[-1] == "--"


def test_the_data_folder_is_hidden_before_the_runs_own_is_shown(tmp_path: Path) -> None:
    command = arguments(tmp_path, readable=[tmp_path])
    hide = command.index(str(tmp_path / "data"))
    assert command.index(str(tmp_path)) < hide < command.index("--bind")
    assert has(command, "--tmpfs", tmp_path / "data")
    assert has(command, "--remount-ro", tmp_path / "data")
    assert has(command, "--remount-ro", "/")


def test_only_an_import_from_a_hub_keeps_the_network(tmp_path: Path) -> None:
    assert "--unshare-net" not in arguments(tmp_path, online=True)


def test_no_folder_of_people_or_of_the_service_is_shown(tmp_path: Path) -> None:
    command = arguments(tmp_path)
    shown = {command[place + 1] for place, word in enumerate(command) if word == "--ro-bind"}
    assert not shown & {"/", "/home", "/root", "/etc", "/var", "/run", str(Path.home()), str(Path.cwd())}


def test_what_lies_in_a_folder_that_is_shown_is_shown_with_it_and_where_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "code" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "code" / "link").symlink_to(tmp_path / "elsewhere")
    code = tmp_path / "code"
    command = isolation.read_only([code / "inner", code, code / "link", tmp_path / "missing"])
    assert command == ["--ro-bind", str(code), str(code), *["--ro-bind", *[str(tmp_path / "elsewhere")] * 2]]


def test_the_whole_disk_cannot_be_named_as_readable(tmp_path: Path) -> None:
    assert not has(arguments(tmp_path, readable=[Path("/")]), "--ro-bind", "/", "/")


def test_without_bubblewrap_there_is_fault_containment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = isolation.probe()
    assert found == Isolation(holds=False, why_not="bubblewrap is not installed")
    assert "fault containment only" in found.words


def test_a_sandbox_that_is_not_permitted_is_told_with_its_words(bwrap: Callable[[str], None]) -> None:
    bwrap('echo "bwrap: setting up uid map: Permission denied" >&2; exit 1')
    assert isolation.probe().why_not == ("bubblewrap does not work here (bwrap: setting up uid map: Permission denied)")


def test_a_sandbox_that_keeps_nothing_in_is_seen_through(bwrap: Callable[[str], None]) -> None:
    """The control: a program that starts what it is given, unprotected, is no sandbox, whatever its name."""
    bwrap(RUN)
    found = isolation.probe()
    assert not found.holds
    assert "network" in found.why_not
    assert "secret" in found.why_not


def test_a_sandbox_that_says_nonsense_is_none(bwrap: Callable[[str], None]) -> None:
    bwrap("echo fine")
    assert not isolation.probe().holds


def test_isolation_can_be_required_and_switched_off(
    use_settings: Callable[..., Settings], bwrap: Callable[[str], None]
) -> None:
    bwrap("exit 1")
    assert not isolation.found(use_settings(isolation="off")).holds
    assert not isolation.found(use_settings(isolation="auto")).holds
    with pytest.raises(NotIsolatedError, match="is required"):
        isolation.found(use_settings(isolation="required"))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap on this machine")
def test_a_real_sandbox_holds_or_says_why_not() -> None:
    found = isolation.probe()
    assert found.holds or "does not work here" in found.why_not, f"{sys.platform}: {found.why_not}"
