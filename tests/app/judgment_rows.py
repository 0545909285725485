"""Real rows for tests of judgments: a project with people, prompts, completions and tasks."""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.completions.tables import Completion
from app.gold.service import Known, KnownRow, Purpose, make_known
from app.projects.tables import Membership, Project
from app.prompts.tables import Prompt, PromptSet
from app.rankings.judgment import Form, Judgment
from app.rankings.service import Answer, Submission, submit_ranking
from app.registry.tables import ModelVersion
from app.tasks.assignment import MOST_COMPLETIONS
from app.tasks.claiming import Claim, Claimant, claim
from app.tasks.service import create_task
from app.tasks.tables import Assignment, Task

numbers = count(1)
HALF_AN_HOUR = timedelta(minutes=30)


@dataclass
class World:
    """A project and what is in it."""

    session: Session
    project: Project
    prompt_set: PromptSet
    model: ModelVersion
    people: list[User] = field(default_factory=list)

    def person(self, role: str = "annotator", name: str = "Ada") -> User:
        """A new member."""
        user = User(name=name, email=f"person-{next(numbers)}@example.org")
        self.session.add(user)
        self.session.flush()
        self.session.add(Membership(project_id=self.project.id, user_id=user.id, role=role))
        self.session.flush()
        self.people.append(user)
        return user

    def prompt(self, split: str = "train", text: str | None = None, group: str | None = None) -> Prompt:
        """A new active prompt."""
        said = text or f"Question {next(numbers)}?"
        prompt = Prompt(
            project_id=self.project.id,
            prompt_set_id=self.prompt_set.id,
            line=1,
            messages=[{"role": "user", "content": said}],
            content_hash=sha256(said.encode()).digest(),
            group_hash=sha256((group or said).encode()).digest(),
            split=split,
            state="active",
        )
        self.session.add(prompt)
        self.session.flush()
        return prompt

    def completions(
        self, prompt: Prompt, how_many: int = 4, *, model: ModelVersion | None = None, author: User | None = None
    ) -> list[int]:
        """Ids of new completions of a prompt, by the model or by a person."""
        by: dict[str, Any] = {"model_version_id": (model or self.model).id}
        if author is not None:
            by = {"user_id": author.id, "role": "demonstration"}
        rows = [Completion(prompt_id=prompt.id, text=f"Answer {next(numbers)}.", **by) for _ in range(how_many)]
        self.session.add_all(rows)
        self.session.flush()
        return [row.id for row in rows]

    def task(
        self, *, overlap: int = 1, split: str = "train", completion_ids: list[int] | None = None, **options: Any
    ) -> Task:
        """A new open task over four completions of a new prompt."""
        prompt = options.pop("prompt", None) or self.prompt(split)
        return create_task(
            self.session,
            project_id=self.project.id,
            prompt_id=prompt.id,
            completion_ids=completion_ids or self.completions(prompt),
            overlap=overlap,
            **options,
        )

    def model_version(self, kind: str, number: int, stage: str = "candidate") -> ModelVersion:
        """A registered model version."""
        version = ModelVersion(
            project_id=self.project.id, name=f"{kind}-{number}", kind=kind, number=number, stage=stage
        )
        self.session.add(version)
        self.session.flush()
        return version


def a_world(session: Session, **settings: Any) -> World:
    """An empty project with a live base model."""
    project = Project(name="Test", settings=settings)
    session.add(project)
    session.flush()
    prompt_set = PromptSet(
        project_id=project.id, name="p", file_name="p.txt", file_sha256="0", bytes=1, state="added",
        lines=1, good=1, bad=0, duplicates=0,
    )  # fmt: skip
    model = ModelVersion(project_id=project.id, name="tiny", kind="base", number=1, stage="live")
    session.add_all([prompt_set, model])
    session.flush()
    return World(session, project, prompt_set, model)


def claim_for(
    session: Session, project_id: int, annotator_id: int, *, lease: timedelta = HALF_AN_HOUR, holding: Any = ()
) -> Claim:
    """A claim with the identity as its shown order."""
    return claim(session, claimant_of(project_id, annotator_id, lease), holding)


def claimant_of(project_id: int, annotator_id: int, lease: timedelta = HALF_AN_HOUR) -> Claimant:
    """Somebody who asks for work, with the identity as their shown order."""
    return Claimant(project_id=project_id, annotator_id=annotator_id, lease=lease, keys=range(1, MOST_COMPLETIONS + 1))


def a_claimant(world: World, person: User) -> Claimant:
    """The person as somebody who asks for work."""
    return claimant_of(world.project.id, person.id)


def take(world: World, annotator: User, **options: Any) -> Assignment:
    """The annotator's next assignment; there must be one."""
    assignment = claim_for(world.session, world.project.id, annotator.id, **options).assignment
    assert assignment is not None
    return assignment


def known_answer(
    world: World, admin: User, *, purpose: Purpose = "gold", task_id: int | None = None, **said: Any
) -> KnownRow:
    """A task whose right order is known: a new one over four completions in their stored order, or `task_id`."""
    if task_id is None:
        prompt = world.prompt()
        ids = world.completions(prompt)
        said = {"prompt_id": prompt.id, "completion_ids": ids, "tiers": [[one] for one in ids], **said}
    known = Known(purpose=purpose, task_id=task_id, **said)
    return make_known(world.session, project_id=world.project.id, actor=admin, known=known, ties_allowed=True)


def shown_of(known: KnownRow) -> list[int]:
    """The completions of a known answer, best first."""
    return [completion for tier in known.answer.tiers for completion in tier]


def judge_known(
    world: World, known: KnownRow, annotator: User, tiers: list[list[int]] | None = None, **options: Any
) -> Assignment:
    """Lease a task whose answer is known and submit the right order, or `tiers`; the assignment."""
    own = {"task_id": known.task.id, "annotator_id": annotator.id}
    assignment = world.session.scalars(select(Assignment).filter_by(**own)).one_or_none()
    if assignment is None:
        assignment = Assignment(project_id=world.project.id, shown_order=shown_of(known), **own)
        world.session.add(assignment)
    assignment.state, assignment.leased_until = "leased", func.now() + HALF_AN_HOUR
    world.session.flush()
    submit(world.session, assignment, annotator, tiers or known.answer.tiers, **options)
    return assignment


def strict(assignment: Assignment) -> list[list[int]]:
    """A ranking without ties, in the order shown."""
    return [[completion] for completion in assignment.shown_order]


def submit(
    session: Session,
    assignment: Assignment,
    annotator: User,
    tiers: list[list[int]] | None = None,
    *,
    key: str | None = None,
    edit_window: timedelta = timedelta(hours=1),
    form: Form | None = None,
    **said: Any,
) -> Answer:
    """Submit a ranking, by default in the order shown and under a key of its own."""
    return submit_ranking(
        session,
        Submission(
            assignment=assignment,
            annotator=annotator,
            judgment=Judgment(tiers=tiers or strict(assignment), active_ms=1000, **said),
            form=form or Form(rationale="optional"),
            edit_window=edit_window,
            key=key or f"a-key-of-its-own-{next(numbers)}",
        ),
    )
