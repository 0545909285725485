"""Fixtures of the job tests, for workers that lose their runs."""

from tests.workers.jobs.conftest import database, make_world, start

__all__ = ["database", "make_world", "start"]
