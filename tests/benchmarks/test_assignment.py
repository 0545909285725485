"""The limit that assignment is compared with does what it stands for: a judgment for every cycle."""

from pathlib import Path

import pytest

from app.db import engine
from benchmarks import assignment_data, assignment_limit
from tests.servers import Servers


@pytest.fixture
def unbound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark writes the database's address into the environment: put it back afterwards."""
    monkeypatch.setenv("PLACKETT_DATABASE_URL", "")
    engine.cache_clear()


@pytest.mark.usefixtures("unbound")
def test_every_cycle_of_pgbench_writes_a_judgment(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded = assignment_data.seed(servers.postgres, 2_000)
    measured = assignment_limit.run(servers.postgres, seeded, tmp_path, clients=2, seconds=1)
    assert measured["cycles_per_s"] > 0
    script = assignment_limit.script_of
    monkeypatch.setattr(assignment_limit, "script_of", lambda *given: script(*given).replace(" \\gset", ";"))
    with pytest.raises(RuntimeError, match="its script is not a cycle"):
        assignment_limit.run(servers.postgres, seeded, tmp_path, clients=2, seconds=1)
