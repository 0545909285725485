"""Settings: misspelt ones stop the start, empty ones mean the default, secrets stay secret."""

import pytest

from app.config import Settings, UnknownSettingError, reject_unknown_variables


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
