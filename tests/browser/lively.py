"""A project in which everything has happened once, so that no page of it is empty."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import audit
from app.auth import invitations, tokens
from app.auth.access import Identity
from app.auth.tables import User
from app.loop.decisions import gate_words
from app.loop.gate import Difference, Finding, Verdict, error_of
from app.loop.tables import BlindComparison, Cycle, LoopDecision
from app.prompts.tables import PromptSet, PromptSetError
from app.rankings.blind_votes import ERROR
from app.registry.tables import ModelVersion
from app.runs import events
from app.runs.tables import Run
from app.webhooks.tables import Message, Webhook
from tests.app.judgment_rows import World, submit, take
from tests.browser.seed import a_person, a_prompt, a_task
from tests.finished_run import finished_reward_run

ARABIC = "اشرح لي كيف تعمل المضخة الحرارية في جملتين."
HEBREW = "כתוב לי שיר קצר על הים בחורף."
CHINESE = "请用两句话解释热泵的工作原理，并说明它为什么省电。"
MARKDOWN = """Compare these:

| Tool | Good for | Price |
| --- | --- | --- |
| Spade | digging | 12 |
| Rake | leaves | 9 |

1. First **one**
2. Then the [other](https://example.org/other)

> A quotation of some length.
"""
CODE = """Use a set:

```python
def unique(values: list[int]) -> list[int]:
    seen: set[int] = set()
    return [value for value in values if not (value in seen or seen.add(value))]
```

and call `unique([1, 1, 2])`."""
LONG = "\n\n".join(f"{number}. {'A sentence that goes on about the matter. ' * 6}" for number in range(1, 30))
CONVERSATION = [
    {"role": "system", "content": "You are a patient teacher."},
    {"role": "user", "content": "What is a prime?"},
    {"role": "assistant", "content": "A number with exactly two divisors."},
    {"role": "user", "content": "Is 1 one of them?"},
]
SHAPES: list[tuple[str | list[dict[str, str]], list[str]]] = [
    (MARKDOWN, [MARKDOWN, "Take the **spade**.", "- a rake\n- a spade", "Neither."]),
    ("How do I remove repeats from a list?", [CODE, "Sort it first.", "`list(set(values))`"]),
    (CONVERSATION, ["No: it has one divisor.", "Yes."]),
    (ARABIC, [ARABIC, "جواب قصير.", "A reply in English.", "جواب آخر أطول قليلا من الأول."]),
    (HEBREW, [HEBREW, "תשובה קצרה."]),
    (CHINESE, [CHINESE, "热泵搬运热量。", "不知道。"]),
    (LONG, [LONG, LONG[:900], "Too long."]),
]


def tasks_of_every_shape(world: World) -> None:
    """One open task for each kind of text, with 2 to 4 completions, and one with 9."""
    for messages, texts in SHAPES:
        a_task(world, messages, texts)
    a_task(world, texts=9)


def live(world: World) -> World:
    """Let it all happen: people, judgments, runs of each outcome, models, a cycle, an upload, a token."""
    admin = a_person(world, "admin", "Ida")
    admin.is_operator = True
    annotator = a_person(world, name="Bo")
    a_person(world, "researcher", "Cy")
    _judge(world, annotator)
    _judge(world, admin)
    runs = _runs(world, admin)
    _models(world, runs)
    _turn(world, runs)
    _blind(world, runs)
    _upload(world)
    _paper(world, admin)
    _webhooks(world)
    world.session.commit()
    return world


def _judge(world: World, person: User) -> None:
    for _ in range(2):
        a_task(world)
        submit(world.session, take(world, person), person)
    world.session.commit()


def _runs(world: World, admin: User) -> dict[str, Run]:
    now = datetime.now(UTC)
    made: dict[str, Run] = {}
    for kind, state, extra in [
        ("reward", "succeeded", {"result": _result(), "started_at": now - timedelta(minutes=4)}),
        ("ppo", "failed", {"reason": "stalled", "error": "The worker went away three times.", "advice": "Try again."}),
        ("sample", "cancelled", {"reason": "cancelled"}),
        ("reward", "queued", {"notice": "No worker serves the queue `training`."}),
    ]:
        final = {} if state == "queued" else {"finished_at": now}
        run = Run(
            project_id=world.project.id,
            kind=kind,
            state=state,
            queue="training",
            config={},
            seed=7,
            created_by=admin.id,
            **extra,
            **final,
        )
        world.session.add(run)
        world.session.flush()
        made[f"{kind} {state}"] = run
    _story(world, made["reward succeeded"].id)
    return made


def _result() -> dict[str, Any]:
    finished = finished_reward_run()
    return {"artifact": None, "metrics": finished.metrics, "report": finished.report}


def _story(world: World, run_id: int) -> None:
    figures = [
        events.Metric(name, step, (0.7 - step / 100) * factor)
        for name, factor in [("loss", 1.0), ("eval/accuracy", 0.9), ("train/margin", 2.0)]
        for step in range(20)
    ]
    events.add_metrics(world.session, run_id, figures)
    lines: list[tuple[str, str]] = [("info", "Started."), ("warning", "Slow disk."), ("error", "A row was left out.")]
    events.append(world.session, run_id, *(events.note(words, level=level) for level, words in lines))


def _models(world: World, runs: dict[str, Run]) -> None:
    run = runs["reward succeeded"]
    earlier = ModelVersion(
        project_id=world.project.id,
        name="Reward model 1",
        kind="reward",
        number=1,
        stage="archived",
        parent_id=world.model.id,
        promoted_at=func.now(),
    )
    world.session.add(earlier)
    world.session.flush()
    reward = ModelVersion(
        project_id=world.project.id,
        name="Reward model 2",
        kind="reward",
        number=2,
        stage="live",
        parent_id=world.model.id,
        run_id=run.id,
        metrics={"accuracy": 0.71},
    )
    policy = ModelVersion(
        project_id=world.project.id, name="Policy 1", kind="policy", number=1, parent_id=world.model.id
    )
    world.session.add_all([reward, policy])
    world.session.flush()


def _turn(world: World, runs: dict[str, Run]) -> None:
    cycle = Cycle(
        project_id=world.project.id,
        state="failed",
        stage="ppo",
        trigger="person",
        reward_run_id=runs["reward succeeded"].id,
        ppo_run_id=runs["ppo failed"].id,
        reason="the PPO run failed",
        finished_at=func.now(),
    )
    world.session.add(cycle)
    world.session.flush()
    promoted = gate_words("Reward model 2", "Reward model 1", _finding("pass", 1, -0.031, -0.027))
    refused = gate_words("Reward model 3", "Reward model 2", _finding("refuse", 2, 0.011, 0.031))
    for tone, words in [("good", promoted), ("bad", refused), ("neutral", "Waiting.")]:
        told: dict[str, Any] = {"project_id": world.project.id, "cycle_id": cycle.id, "tone": tone, "text": words}
        world.session.add(LoopDecision(**told))


def _blind(world: World, runs: dict[str, Run]) -> None:
    policy = world.session.scalars(select(ModelVersion).filter_by(project_id=world.project.id, kind="policy")).one()
    for version in (policy, world.model):
        version.artifact_sha256, version.artifact_bytes = "ab" * 32, 1
    asked = {"project_id": world.project.id, "candidate_id": policy.id, "rival_id": world.model.id, "error": ERROR}
    told = {"state": "finished", "verdict": "better", "finished_at": func.now(), "prompts": 60}
    votes = {"wins": 34, "losses": 12, "ties": 6, "identical": 2}
    for run in (runs["sample cancelled"], runs["reward queued"]):
        run.config = {**run.config, "completions_per_prompt": 2}
    finished = BlindComparison(run_id=runs["sample cancelled"].id, **asked, **told, **votes)
    still_open = BlindComparison(run_id=runs["reward queued"].id, prompts=200, **asked)
    world.session.add_all([finished, still_open])
    world.session.flush()


def _finding(verdict: Verdict, number: int, loss: float, upper: float) -> Finding:
    return Finding(
        verdict=verdict,
        number=number,
        error=error_of(number),
        judgments=1300,
        effective=1210.0,
        groups=400,
        loss=Difference(loss, 0.01, upper),
        accuracy=Difference(0.002, 0.004, -0.008),
        needed=2100,
    )


def _upload(world: World) -> None:
    staged = PromptSet(
        project_id=world.project.id,
        name="Support questions",
        file_name="questions.jsonl",
        file_sha256="ab" * 32,
        bytes=2048,
        state="staged",
        lines=4,
        good=2,
        bad=1,
        duplicates=1,
    )
    world.session.add(staged)
    world.session.flush()
    world.session.add(PromptSetError(prompt_set_id=staged.id, line=3, reason="not JSON", excerpt='{"prompt": '))
    for number in range(2):
        prompt = a_prompt(world, f"A staged question, number {number}?")
        prompt.prompt_set_id, prompt.state = staged.id, "staged"


def _paper(world: World, admin: User) -> None:
    session, project = world.session, world.project
    invitations.invite(session, inviter=admin, project_id=project.id, role="annotator", email="dee@example.org")
    tokens.issue_token(
        session, Identity(user=admin), name="notebook", scopes=["read"], project_id=project.id, expires_in_days=30
    )
    audit.record(
        session, actor=admin, action="project.changed", object_type="project", object_id=project.id,
        project_id=project.id, detail={"settings": {"overlap": [1, 2]}},
    )  # fmt: skip


def _webhooks(world: World) -> None:
    add = world.session.add_all
    told = {"project_id": world.project.id, "salt": b"salt", "events": ["run.finished", "task_pool.low"]}
    chat = Webhook(url="https://chat.example.org/hooks/a-rather-long-address-of-one-receiver?key=1", **told)
    off = Webhook(url="https://old.example.org/", disabled_at=func.now(), **told)
    chat.previous_until = func.now() + timedelta(hours=3)
    add([chat, off])
    world.session.flush()
    failed = {"attempts": 4, "status": 503, "error": "The receiver answered 503."}
    sent = {"webhook_id": chat.id, "data": {"project_id": world.project.id}}
    add([Message(type="run.finished", attempts=1, status=204, delivered_at=func.now(), **sent)])
    add([Message(type="webhook.test", dead_at=func.now(), **sent, **failed)])
    add([Message(type="task_pool.low", available_at=func.now() + timedelta(minutes=9), **sent, **failed)])
