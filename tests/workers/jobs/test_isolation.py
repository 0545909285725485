"""What a training process can and cannot do: its limits anywhere, its sandbox where there is one."""

import json
import os
import socket
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import isolation
from app.config import Settings, get_settings
from workers.jobs import child
from workers.jobs.child import Child

UseSettings = Callable[..., Settings]
PRELUDE = "import json, os, resource, sys\ntell = lambda **event: os.write(3, json.dumps(event).encode() + b'\\n')\n"


@pytest.fixture
def start(use_settings: UseSettings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Child]:
    """A function that starts a recipe of a few lines in a run's folder."""

    def begin(recipe: str, **config: object) -> Child:
        folder = get_settings().runs_dir / "1" / "7"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "recipe.py").write_text(PRELUDE + textwrap.dedent(recipe))
        monkeypatch.setattr(child, "RECIPE", [child.sys.executable, "-I", str(folder / "recipe.py")])
        return child.start(folder, threads=1, online=False)

    use_settings(isolation="off")
    return begin


def told(started: Child) -> list[dict[str, Any]]:
    """Everything the recipe says until it has ended."""
    said: list[dict[str, Any]] = []
    until = time.monotonic() + 60
    while not started.ended():
        assert time.monotonic() < until
        said += started.read(0.1)
    started.close()
    return said


LIMITS = """
names = ("CORE", "NOFILE", "DATA", "FSIZE")
tell(type="limits", **{name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names})
"""


def test_a_child_is_bounded(start: Callable[..., Child], use_settings: UseSettings) -> None:
    use_settings(isolation="off", run_memory_gb=3, run_largest_file_gb=2)
    (said,) = told(start(LIMITS))
    assert said["CORE"] == [0, 0]
    assert said["DATA"] == [3 * 2**30] * 2
    assert said["FSIZE"] == [2 * 2**30] * 2
    assert said["NOFILE"][1] <= 65_536


def test_memory_beyond_the_limit_is_refused_and_not_taken_from_others(
    start: Callable[..., Child], use_settings: UseSettings
) -> None:
    hungry = """
    try:
        bytearray(2 * 2**30)
        tell(type="got", all=True)
    except MemoryError:
        tell(type="got", all=False)
    """
    use_settings(isolation="off", run_memory_gb=1)
    assert told(start(hungry)) == [{"type": "got", "all": False}]


def test_a_file_beyond_the_limit_is_an_error_of_the_recipe(
    start: Callable[..., Child], use_settings: UseSettings
) -> None:
    wide = """
    try:
        with open(os.path.join(os.environ["HOME"], "wide"), "wb") as file:
            file.truncate(2**21)
        tell(type="wrote", all=True)
    except OSError as error:
        tell(type="wrote", all=False)
    """
    use_settings(isolation="off", run_largest_file_gb=1 / 1024)
    assert told(start(wide)) == [{"type": "wrote", "all": False}]


BREAK_OUT = """
import socket
def can(deed):
    try:
        deed()
    except OSError:
        return False
    return True
port, own = int(os.environ["LANG"]), os.environ["HOME"]
runs = os.path.dirname(os.path.dirname(own))
data = os.path.dirname(runs)
tell(
    type="tried",
    network=can(lambda: socket.create_connection(("127.0.0.1", port), 3).close()),
    key=can(lambda: open(os.path.join(data, "webhook-key")).close()),
    others=can(lambda: open(os.path.join(runs, "2", "secret")).close()),
    beside=can(lambda: open(os.path.join(data, "new"), "w").close()),
    code=can(lambda: open(os.path.join(os.getcwd(), "workers", "new"), "w").close()),
    own=can(lambda: open(os.path.join(own, "new"), "w").close()),
    pid=os.getpid() < 100,
    capable=[line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")] != ["0" * 16],
)
"""
FREE = {"network": True, "key": True, "others": True, "beside": True, "own": True}
SHUT = {"network": False, "key": False, "others": False, "beside": False, "code": False, "own": True, "capable": False}


def break_out(start: Callable[..., Child], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    data = get_settings().data_dir.resolve()
    (data / "runs" / "2").mkdir(parents=True)
    for secret in (data / "webhook-key", data / "runs" / "2" / "secret"):
        secret.write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as ear:
        monkeypatch.setenv("LANG", str(ear.getsockname()[1]))
        try:
            (said,) = told(start(BREAK_OUT))
        finally:
            # Where nothing keeps it in, it has written beside our own code.
            (child.ROOT / "workers" / "new").unlink(missing_ok=True)
    return said


def in_a_sandbox(use_settings: UseSettings) -> None:
    use_settings(isolation="auto")
    if not isolation.probe().holds:
        pytest.skip(isolation.probe().words)


def test_an_isolated_child_reaches_nothing_but_its_own_folder(
    start: Callable[..., Child], use_settings: UseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_sandbox(use_settings)
    said = break_out(start, monkeypatch)
    assert {name: said[name] for name in SHUT} == SHUT
    assert said["pid"], "process numbers are its own"


def test_without_the_sandbox_all_of_that_can_be_done(
    start: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: fault containment is no isolation, and is not called so."""
    said = break_out(start, monkeypatch)
    assert {name: said[name] for name in FREE} == FREE


def test_a_sandboxed_child_hears_its_worker_and_dies_with_it(
    start: Callable[..., Child], use_settings: UseSettings
) -> None:
    in_a_sandbox(use_settings)
    listening = start('tell(type="ready")\nos.write(3, os.read(0, 100))\nos.read(0, 1)')
    until = time.monotonic() + 60
    said: list[dict[str, Any]] = []
    while not said:
        assert time.monotonic() < until
        said += listening.read(0.1)
    assert listening.process.stdin is not None
    listening.process.stdin.write(b'{"type": "heard"}\n')
    listening.process.stdin.flush()
    while len(said) < 2:
        assert time.monotonic() < until
        said += listening.read(0.1)
    assert said == [{"type": "ready"}, {"type": "heard"}]
    group = listening.process.pid
    listening.close()
    while is_there(group):
        assert time.monotonic() < until


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_sandboxed_childs_end_is_told_as_it_was(start: Callable[..., Child], use_settings: UseSettings) -> None:
    in_a_sandbox(use_settings)
    for recipe, code in (("sys.exit(7)", 7), ("os.kill(os.getpid(), 11)", 128 + 11)):
        ended = start(recipe)
        told(ended)
        assert ended.process.returncode == code


def test_an_import_reads_its_folder_in_the_sandbox(
    start: Callable[..., Child], use_settings: UseSettings, tmp_path: Path
) -> None:
    in_a_sandbox(use_settings)
    given = tmp_path / "model"
    given.mkdir()
    (given / "config.json").write_text("{}")
    look = f'tell(type="saw", names=os.listdir({str(tmp_path)!r}))'
    assert told(start(look, source={"type": "folder", "path": str(given)})) == [
        {"type": "saw", "names": ["data", "model"]}
    ]


def test_an_import_reads_the_files_that_links_of_its_folder_lead_to_and_none_beside_them(
    start: Callable[..., Child], use_settings: UseSettings, tmp_path: Path
) -> None:
    """A hub's cache: what is named in a snapshot's folder lies among the blobs."""
    in_a_sandbox(use_settings)
    blobs, given = tmp_path / "blobs", tmp_path / "snapshots" / "1"
    for folder in (blobs, given):
        folder.mkdir(parents=True)
    for name in ("mine", "another"):
        (blobs / name).write_text(name)
    (given / "config.json").symlink_to("../../blobs/mine")
    (given / "all").symlink_to("/")
    look = f"""
    tell(type="saw", read=open({str(given / "config.json")!r}).read(), names=os.listdir({str(blobs)!r}))
    """
    assert told(start(look, source={"type": "folder", "path": str(given)})) == [
        {"type": "saw", "read": "mine", "names": ["mine"]}
    ]
