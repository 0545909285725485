"""Settings: misspelt ones stop the start, empty ones mean the default, secrets stay secret."""

import pytest
from pydantic import ValidationError

from app.cli import main
from app.config import Settings, UnknownSettingError, reject_unknown_variables
from app.service_specs import background_specs


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(UnknownSettingError, match="PLACKETT_PROT"):
        reject_unknown_variables(["PATH", "PLACKETT_PROT", "PLACKETT_PORT"])


def test_variables_of_the_client_are_known() -> None:
    reject_unknown_variables(["PLACKETT_URL", "PLACKETT_TOKEN"])


def test_an_empty_setting_means_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACKETT_DATABASE_URL", "")
    monkeypatch.setenv("PLACKETT_PORT", "")
    settings = Settings()
    assert (settings.database_url, settings.port) == (None, 8000)


def test_a_secret_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACKETT_DATABASE_URL", "postgresql://somebody:canary@localhost/plackett")
    assert "canary" not in repr(Settings())


@pytest.mark.parametrize(
    ("public_url", "secure"), [(None, False), ("http://localhost:8000", False), ("https://rank.example.org", True)]
)
def test_cookies_are_secure_over_https(monkeypatch: pytest.MonkeyPatch, public_url: str | None, secure: bool) -> None:
    if public_url is not None:
        monkeypatch.setenv("PLACKETT_PUBLIC_URL", public_url)
    assert Settings().secure_cookies is secure


def test_further_queues_are_served_and_given_to_kinds() -> None:
    settings = Settings(queues="large,night", worker_queues="light,night", kind_queues="ppo=large,sft=night")
    assert settings.all_queues == ("light", "training", "large", "night")
    assert settings.queues_of_kinds == {"ppo": "large", "sft": "night"}
    workers = {spec.name: spec.command for spec in background_specs(settings)}
    assert list(workers) == ["scheduler", "light", "night"]
    assert workers["night"][workers["night"].index("--queues") + 1] == "night"


@pytest.mark.parametrize("wrong", [{"worker_queues": "large"}, {"kind_queues": "ppo=large"}, {"queues": "Large"}])
def test_a_queue_that_is_not_there_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Settings(**wrong)


def test_a_worker_of_a_queue_that_is_not_there_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["work", "dream"]) == 1
    assert "there is no queue dream" in capsys.readouterr().err
