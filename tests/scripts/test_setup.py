"""Set-up: skipped while nothing changed, done again when something did, and clear words where it cannot go on."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts import bootstrap, lock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "FRONTEND", tmp_path / "frontend")
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / ".stamps")
    monkeypatch.setattr(bootstrap, "set_up_python", lambda: None)
    (tmp_path / "frontend" / "src").mkdir(parents=True)
    (tmp_path / "frontend" / "package-lock.json").write_text("{}")
    (tmp_path / "frontend" / "src" / "page.tsx").write_text("1")
    return tmp_path


@pytest.fixture
def npm(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What npm was asked to do; it leaves what npm leaves."""
    asked: list[str] = []

    def run(command: list[str], **_options: object) -> None:
        asked.append(command[1])
        product = project / "frontend" / ("node_modules/.there" if command[1] == "ci" else "dist/index.html")
        product.parent.mkdir(exist_ok=True)
        product.write_text("made")

    monkeypatch.setattr(bootstrap, "run", run)
    return asked


def test_the_page_is_built_once_and_again_when_a_source_changes(project: Path, npm: list[str]) -> None:
    bootstrap.build_frontend()
    bootstrap.build_frontend()
    assert npm == ["ci", "run"]
    (project / "frontend" / "src" / "page.tsx").write_text("2")
    bootstrap.build_frontend()
    assert npm == ["ci", "run", "run"]
    (project / "frontend" / "package-lock.json").write_text('{"new": 1}')
    bootstrap.build_frontend()
    assert npm == ["ci", "run", "run", "ci", "run"]


def test_a_product_that_was_deleted_is_made_again(project: Path, npm: list[str]) -> None:
    bootstrap.build_frontend()
    (project / "frontend" / "dist" / "index.html").unlink()
    bootstrap.build_frontend()
    assert npm == ["ci", "run", "run"]


def test_what_set_up_makes_is_no_source(project: Path) -> None:
    before = bootstrap.fingerprint(project / "frontend")
    for name in ("node_modules", "dist"):
        (project / "frontend" / name).mkdir()
        (project / "frontend" / name / "made.js").write_text("x")
    assert bootstrap.fingerprint(project / "frontend") == before
    (project / "frontend" / "src" / "new.tsx").write_text("")
    assert bootstrap.fingerprint(project / "frontend") != before


def test_a_failed_step_is_told_with_its_output_and_leaves_no_stamp(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        bootstrap.run(["sh", "-c", "echo the reason >&2; exit 3"], folder=project)

    bootstrap.STEPS["failing"] = fail
    assert bootstrap.main(["failing"]) == 1
    assert "failed (3)" in (told := capsys.readouterr().err)
    assert "the reason" in told
    del bootstrap.STEPS["failing"]


class Version(NamedTuple):
    major: int
    minor: int


@pytest.mark.parametrize("version", [Version(3, 9), Version(3, 14)])
def test_another_python_is_refused_with_the_line_to_type(
    version: Version, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert bootstrap.main(["python"]) == 1
    monkeypatch.setattr(sys, "platform", "linux")
    assert "3.11, 3.12 or 3.13" in capsys.readouterr().err
    assert bootstrap.install_line("python3-venv", "python@3.13") == "sudo apt-get install -y python3-venv"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert bootstrap.install_line("python3-venv", "python@3.13") == "brew install python@3.13"


def test_only_folders_that_exist_are_searched_for_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    configured = f"{tmp_path}/here file://{tmp_path}/here {tmp_path}/gone https://example.org/wheels"
    monkeypatch.setattr(bootstrap, "pip_setting", lambda _name: configured)
    assert bootstrap.pip_find_links() == [f"{tmp_path}/here", f"{tmp_path}/here"]


def test_pips_settings_are_found_in_files_and_environment() -> None:
    assert bootstrap.is_about("global.find-links='/a'", "find-links")
    assert bootstrap.is_about(":env:.find-links='/a'", "find-links")
    assert not bootstrap.is_about("download.find-links='/a'", "find-links")
    assert not bootstrap.is_about("global.extra-index-url='/a'", "index-url")


def test_the_lock_leaves_torch_and_what_it_brings_to_its_own_step() -> None:
    blocks = ["numpy==2\n    # via torch", "nvidia-cublas==1\n    --hash=a", "torch==2", "tqdm==4"]
    text = "\n".join([*blocks, "# The following packages were excluded"])
    assert lock.without_torch(text) == "numpy==2\n    # via torch\ntqdm==4"
    packages = (ROOT / "requirements.lock").read_text()
    assert "\ntorch==" not in packages
    assert "nvidia-" not in packages
    assert packages.count("--hash=sha256:") > packages.count("==")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_python_keeps_what_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert make("--eval", 'probe: ; @echo "[$$PYTHONDONTWRITEBYTECODE]"', "probe").stdout == "[]\n"


def test_make_alone_lists_every_command() -> None:
    listed = make().stdout
    for name in (
        "run",
        "dev",
        "test",
        "check",
        "test-unit",
        "test-all",
        "test-gpu",
        "bench",
        "format",
        "lock",
        "screenshots",
    ):
        assert f"make {name} " in listed


def test_make_without_python_says_what_to_install() -> None:
    refused = make("run", "PYTHON=no-such-python")
    assert refused.returncode != 0
    assert "apt-get install -y python3 python3-venv" in refused.stdout


def test_the_ci_script_is_bash_that_parses() -> None:
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
