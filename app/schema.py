"""Every table of the service, imported in one place so that migrations and tests see the whole."""

from app.auth import tables as auth
from app.completions import tables as completions
from app.datasets import tables as datasets
from app.db import Base
from app.guidelines import tables as guidelines
from app.loop import tables as loop
from app.projects import tables as projects
from app.prompts import tables as prompts
from app.rankings import tables as rankings
from app.registry import tables as registry
from app.reports import tables as reports
from app.runs import tables as runs
from app.tasks import tables as tasks
from app.webhooks import tables as webhooks

metadata = Base.metadata

__all__ = [
    "auth",
    "completions",
    "datasets",
    "guidelines",
    "loop",
    "metadata",
    "projects",
    "prompts",
    "rankings",
    "registry",
    "reports",
    "runs",
    "tasks",
    "webhooks",
]
