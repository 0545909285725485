"""The import contracts bite: each kind of illegal import, planted in a copy of the code, is reported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = (
    "import sys; from importlinter.cli import lint_imports_command; sys.argv = ['lint-imports']; lint_imports_command()"
)

# Where it is planted, what is planted, and what the report then says.
PLANTED = [
    ("app/projects/service.py", "import torch", "app.projects.service -> torch"),
    ("app/prompts/service.py", "import workers.jobs", "app.prompts.service -> workers.jobs"),
    ("app/tasks/tables.py", "import app.runs.tables", "app.tasks.tables -> app.runs.tables"),
    ("app/registry/tables.py", "import app.loop.tables", "app.registry.tables -> app.loop.tables"),
    ("app/config.py", "import app.db", "app.config -> app.db"),
    ("app/errors.py", "import fastapi", "app.errors -> fastapi"),
    ("app/projects/settings.py", "import app.projects.router", "app.projects.settings -> app.projects.router"),
    ("app/auth/service.py", "import app.projects.schemas", "app.auth.service -> app.projects.schemas"),
    ("app/rankings/comparisons.py", "import sqlalchemy", "app.rankings.comparisons -> sqlalchemy"),
    ("workers/rlhf/data.py", "import app.db", "workers.rlhf.data -> app.db"),
    ("workers/rlhf/models.py", "import sqlalchemy", "workers.rlhf.models -> sqlalchemy"),
    ("workers/rlhf/configs.py", "import torch", "workers.rlhf.configs -> torch"),
    ("workers/jobs/__init__.py", "import torch", "workers.jobs -> torch"),
    ("app/billing/__init__.py", "", "app.billing"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("app", "workers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_every_kind_of_illegal_import_is_reported(copy: Path) -> None:
    assert lint(copy).returncode == 0, lint(copy).stdout
    for file, line, _ in PLANTED:
        path = copy / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{path.read_text() if path.exists() else ''}\n{line}\n")
    report = " ".join(lint(copy).stdout.split())
    unseen = [said for _, _, said in PLANTED if said not in report]
    assert not unseen, report
