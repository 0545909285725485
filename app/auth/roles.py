"""Who may do what, in words: a role is a standing in a project, a scope is what a token may be used for."""

from typing import Literal

Role = Literal["admin", "annotator", "researcher"]
Scope = Literal["read", "prompts", "rank", "datasets", "runs", "admin"]

ROLES: tuple[Role, ...] = ("admin", "annotator", "researcher")
SCOPES: dict[Scope, str] = {
    "read": "Look at projects, prompts, tasks, models, runs and cycles.",
    "prompts": "Upload prompt sets and accept or discard them.",
    "rank": "Claim tasks and submit rankings.",
    "datasets": "Download comparisons and dataset snapshots.",
    "runs": "Start and cancel runs and cycles, promote models.",
    "admin": "Make and change projects, people and invitations.",
}
