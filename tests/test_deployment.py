"""What an operator deploys with: compose and image files that keep their promises, and every setting listed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import PREFIX, QUEUES, Settings

ROOT = Path(__file__).resolve().parents[1]
OURS = ("migrate", "api", "scheduler", "worker", "worker-gpu")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def default_of(field: str) -> str:
    default = Settings.model_fields[field].default
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_the_example_lists_every_setting_with_its_default_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(rf"(?m)^# {PREFIX}([A-Z_]+)=(.*)$", text))
    for name in ("URL", "TOKEN"):
        listed.pop(name)
    assert listed == {field.upper(): default_of(field) for field in Settings.model_fields}
    for about in Settings.model_fields.values():
        assert about.description in text


def test_compose_has_every_part(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "redis", *OURS}
    assert compose["services"]["worker-gpu"]["profiles"] == ["gpu"]
    for name in ("postgres", "redis", "api", "worker", "worker-gpu"):
        assert compose["services"][name]["healthcheck"]["test"], name


def test_compose_sets_known_settings_only(compose: dict[str, Any]) -> None:
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    for name in OURS:
        given = {key for key in compose["services"][name]["environment"] if key.startswith(PREFIX)}
        assert given <= known


def test_compose_has_no_default_secret(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    secrets = set(re.findall(r"\$\{(\w*PASSWORD)", text))
    assert secrets == {"POSTGRES_PASSWORD", "MIGRATOR_PASSWORD", "APP_PASSWORD", "REDIS_PASSWORD"}
    for use in re.findall(r"\$\{\w*PASSWORD[^}]*\}", text):
        assert ":?" in use, f"{use} must be required"
    assert re.findall(r"(?m)^(\w+PASSWORD)=$", (ROOT / ".env.example").read_text()) == sorted(
        secrets, key=["POSTGRES_PASSWORD", "MIGRATOR_PASSWORD", "APP_PASSWORD", "REDIS_PASSWORD"].index
    )


def test_only_the_migration_knows_the_role_that_may_change_the_schema(compose: dict[str, Any]) -> None:
    holders = [name for name in OURS if "plackett_migrator" in str(compose["services"][name]["environment"])]
    assert holders == ["migrate"]


def test_our_containers_run_without_root_or_rights(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
    stages = re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text())[1:]
    last_users = {stage.split(" AS ")[1].split()[0]: re.findall(r"(?m)^USER (\w+)$", stage)[-1] for stage in stages[1:]}
    assert last_users == {"api": "plackett", "worker": "plackett", "worker-gpu": "plackett"}


def test_every_build_target_and_copied_file_exists(compose: dict[str, Any]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    targets = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", text))
    assert {compose["services"][name]["build"]["target"] for name in OURS} <= targets
    allowed = re.findall(r"(?m)^!(\S+)$", (ROOT / ".dockerignore").read_text())
    for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", text):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in allowed, f"{source} is not in the build context"


def test_the_default_worker_serves_every_queue(compose: dict[str, Any]) -> None:
    default = compose["services"]["worker"]["environment"]["WORKER_QUEUES"]
    assert default == "${WORKER_QUEUES:-" + " ".join(QUEUES) + "}"


def test_images_and_set_up_agree_on_pinned_versions() -> None:
    bootstrap = (ROOT / "scripts" / "bootstrap.py").read_text()
    docker = (ROOT / "Dockerfile").read_text()
    torch = re.search(r'TORCH = "([\d.]+)"', bootstrap)
    uv = re.search(r'UV = "(uv==[\d.]+)"', bootstrap)
    assert torch
    assert uv
    assert set(re.findall(r"torch==([\d.]+)", docker)) == {torch[1]}
    assert set(re.findall(r"uv==[\d.]+", docker)) == {uv[1]}
