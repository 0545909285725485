"""Launch a run: check its configuration, find what it works on, queue it and remember its doorbell."""

import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from sqlalchemy.orm import Session

from app import audit, jobs
from app.auth.tables import User
from app.datasets.tables import DatasetSnapshot
from app.errors import Unprocessable
from app.projects.settings import ProjectSettings, settings_of
from app.projects.tables import Project
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import capacity, events
from app.runs.events import moved
from app.runs.kinds import ANSWERING, KINDS, ROOTS
from app.runs.placing import queue_for
from app.runs.priorities import NORMAL
from app.runs.requirements import require_comparisons, require_demonstrations, require_prompts
from app.runs.sources import check_source
from app.runs.tables import Run
from workers.rlhf.configs import config_from

# Kinds that learn a text, or mix one in.
READERS: Final = ("pretrain", "sft", "ppo", "evaluate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is asked for. `models` names model versions by their role in the run; missing roles take the live ones.

    Roles: import_model `target` (a version still without weights), sample any names, pretrain `base`, sft `base` and,
    if one is to judge, `reward`; reward `base` and, to be compared with, `live`; ppo, rloo, grpo and best_of_n `policy`
    and `reward`, dpo `policy`. `shares`: how much of each prompt's completions each role of a sample run writes; none:
    all the same. A `refusable` one is refused where no worker has room for it, unless somebody wants it all the same
    (`ignore_estimate`); any other waits for its worker's word.
    """

    project_id: int
    kind: str
    config: dict[str, Any] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    prompt_set_id: int | None = None
    text_id: int | None = None
    source: dict[str, Any] | None = None
    name: str | None = None
    seed: int | None = None
    shares: dict[str, float] = field(default_factory=dict)
    cycle_id: int | None = None
    priority: int = NORMAL
    queue: str | None = None
    devices: int | None = None
    ignore_estimate: bool = False
    refusable: bool = False


def launch(session: Session, wanted: Launch, *, actor: User | None) -> Run:
    """Queue a run; `Unprocessable` or `NotFound` names the field where something is wrong or missing."""
    config, inputs = _checked(session, wanted)
    run = Run(
        project_id=wanted.project_id,
        kind=wanted.kind,
        queue=queue_for(session, wanted.kind, wanted.queue, wanted.devices),
        priority=wanted.priority,
        devices=wanted.devices,
        config=config,
        inputs=inputs,
        seed=secrets.randbelow(2**31) if wanted.seed is None else wanted.seed,
        created_by=actor.id if actor else None,
        cycle_id=wanted.cycle_id,
    )
    taken = capacity.estimate(session, run.kind, run.project_id, config, inputs, devices=run.devices)
    if taken is not None:
        run.estimate = taken.kept(insisted=wanted.ignore_estimate)
    session.add(run)
    session.flush()
    if wanted.refusable and not wanted.ignore_estimate:
        capacity.require_room(session, run, taken)
    _announce(session, run, actor)
    return run


def preview(session: Session, wanted: Launch) -> tuple[capacity.Estimate | None, list[capacity.Place]]:
    """What such a run would take, and the workers that it could go to; nothing is queued."""
    config, inputs = _checked(session, wanted)
    queue = queue_for(session, wanted.kind, wanted.queue, wanted.devices)
    about = session, wanted.kind, wanted.project_id
    taken = capacity.estimate(*about, config, inputs, devices=wanted.devices)
    return taken, [] if taken is None else capacity.places(*about, queue, taken, devices=wanted.devices)


def _checked(session: Session, wanted: Launch) -> tuple[dict[str, Any], dict[str, Any]]:
    if wanted.kind not in KINDS:
        raise Unprocessable(
            f"{wanted.kind!r} is no kind of run; there are {', '.join(KINDS)}", field="kind", type="unknown-kind"
        )
    config = checked_config(wanted.kind, wanted.config, settings_of(session.get_one(Project, wanted.project_id)))
    return config, _inputs(session, replace(wanted, config=config))


def _announce(session: Session, run: Run, actor: User | None) -> None:
    who = actor.name if actor else "the loop"
    events.append(session, run.id, moved(None, "queued", who=who, why=f"Launched by {who}."))
    audit.record(
        session,
        actor=actor,
        action="run.launched",
        object_type="run",
        object_id=run.id,
        project_id=run.project_id,
        detail={"kind": run.kind, "config": run.config, "inputs": run.inputs, "seed": run.seed},
    )
    jobs.ring_after_commit(session, run.id, run.queue)


def checked_config(kind: str, given: dict[str, Any], settings: ProjectSettings) -> dict[str, Any]:
    """The whole configuration: a kind's defaults, changed by the project's settings, changed by what was given."""
    try:
        return asdict(config_from(kind, {**project_config(kind, settings), **given}))
    except ValueError as error:
        name, _, problem = str(error).partition(": ")
        raise Unprocessable(
            f"{name}: {problem}",
            field=f"config.{name}",
            type="invalid-config",
            advice="GET /projects/{id}/run-kinds lists every setting with its bounds.",
        ) from error


def project_config(kind: str, settings: ProjectSettings) -> dict[str, Any]:
    """What the project sets about a kind of run."""
    if kind == "sample":
        return {**settings.sampling.model_dump(), "completions_per_prompt": settings.completions_per_task}
    return {"reward": settings.reward, "ppo": settings.ppo}.get(kind, {})


def _inputs(session: Session, wanted: Launch) -> dict[str, Any]:
    inputs: dict[str, Any] = {"models": MODELS[wanted.kind](session, wanted), **_text(session, wanted)}
    if wanted.kind == "pretrain":
        inputs["name"] = wanted.name
    if wanted.kind == "import_model":
        inputs |= {"source": check_source(wanted.source), "name": wanted.name}
    if wanted.shares:
        inputs["shares"] = wanted.shares
    if wanted.kind in ANSWERING | {"sample", "evaluate"}:
        require_prompts(session, wanted.kind, wanted.project_id, wanted.prompt_set_id)
        inputs["prompt_set_id"] = wanted.prompt_set_id
    if wanted.kind == "sft" or (wanted.config.get("pretrain_weight") and wanted.text_id is None):
        require_demonstrations(session, wanted.project_id)
    if wanted.kind in {"reward", "dpo"}:
        require_comparisons(session, wanted.project_id)
    return inputs


def _target(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset({"target"}))
    return {role: version.id for role, version in known.items()}


def _writers(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset(wanted.models))
    writers = known or {"policy": _policy(session, wanted)}
    for role, version in writers.items():
        _require_weights(version, role)
        if version.kind == "reward":
            raise Unprocessable(f"{version.name} scores, it does not write", field=f"models.{role}", type="wrong-model")
    return {role: version.id for role, version in writers.items()}


def _base_and_judge(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset({"base", "reward"}))
    models = _root(session, wanted, known)
    if "reward" in known or wanted.config["keep"] == "reward":
        models["reward"] = _scorer(session, wanted, known, "keep = reward").id
    return models


def _base_and_live(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset({"base", "live"}))
    models = _root(session, wanted, known)
    live = known.get("live") or registry.live_reward(session, wanted.project_id)
    # One that goes live without weights is nothing to be compared with, and no reason to train none.
    if live is not None and (live.artifact_sha256 is not None or "live" in known):
        if live.kind != "reward":
            raise Unprocessable(f"{live.name} is no reward model", field="models.live", type="wrong-model")
        _require_weights(live, "live")
        models["live"] = live.id
    return models


def _base(session: Session, wanted: Launch) -> dict[str, int]:
    return _root(session, wanted, _known(session, wanted, frozenset({"base"})))


def _base_if_named(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset({"base"}))
    return _root(session, wanted, known) if known else {}


def _root(session: Session, wanted: Launch, known: dict[str, ModelVersion]) -> dict[str, int]:
    base = known.get("base") or registry.root_of(session, _policy(session, wanted))
    _require_weights(base, "base")
    if base.kind not in ROOTS:
        raise _wrong_base(f"{base.name} is a {base.kind} model; {wanted.kind} starts from a base or a fine-tuned one")
    # The only adapters that fine-tuning leaves are virtual tokens, and a reward model's LoRA can learn behind them.
    if base.base_id is not None and (wanted.kind, wanted.config.get("method")) != ("reward", "lora"):
        raise _wrong_base(f"{base.name} is an adapter on other weights; {wanted.kind} starts from a whole model here")
    return {"base": base.id}


def _wrong_base(detail: str) -> Unprocessable:
    return Unprocessable(
        detail,
        field="models.base",
        type="wrong-model",
        advice="Choose an imported model, or one that was fine-tuned with the method lora or full.",
    )


def _policy_and_reward(session: Session, wanted: Launch) -> dict[str, int]:
    known = _known(session, wanted, frozenset({"policy", "reward"}))
    policy = _improved(session, wanted, known)
    reward = _scorer(session, wanted, known, KINDS[wanted.kind].title)
    return {"policy": policy.id, "reward": reward.id}


def _scorer(session: Session, wanted: Launch, known: dict[str, ModelVersion], needed_by: str) -> ModelVersion:
    reward = known.get("reward") or registry.live_reward(session, wanted.project_id)
    if reward is None or reward.kind != "reward":
        raise Unprocessable(
            f"{needed_by} needs a reward model and this project has no live one"
            if reward is None
            else f"{reward.name} is no reward model",
            field="models.reward",
            type="no-reward-model",
            advice="Train a reward model first, then promote it or name it here.",
        )
    _require_weights(reward, "reward")
    return reward


def _policy_alone(session: Session, wanted: Launch) -> dict[str, int]:
    return {"policy": _improved(session, wanted, _known(session, wanted, frozenset({"policy"}))).id}


def _improved(session: Session, wanted: Launch, known: dict[str, ModelVersion]) -> ModelVersion:
    policy = known.get("policy") or _policy(session, wanted)
    _require_weights(policy, "policy")
    if policy.kind == "reward":
        raise Unprocessable(f"{policy.name} scores, it does not write", field="models.policy", type="wrong-model")
    return policy


def _compared(session: Session, wanted: Launch) -> dict[str, int]:
    roles = {role.name: role for role in KINDS["evaluate"].roles}
    known = _known(session, wanted, frozenset(roles))
    for name, version in known.items():
        if version.kind not in roles[name].kinds:
            raise Unprocessable(
                f"{version.name} is a {version.kind} model, which can't be the {name}",
                field=f"models.{name}",
                type="wrong-model",
            )
    policy = known["policy"] = known.get("policy") or _policy(session, wanted)
    known["reference"] = known.get("reference") or registry.root_of(session, policy)
    if (proxy := known.get("proxy") or _trained_with(session, policy)) is not None:
        known["proxy"] = proxy
    for name, version in known.items():
        _require_weights(version, name)
    return {name: version.id for name, version in known.items()}


def _trained_with(session: Session, policy: ModelVersion) -> ModelVersion | None:
    run = session.get(Run, policy.run_id) if policy.run_id else None
    reward_id = run.inputs.get("models", {}).get("reward") if run else None
    return session.get(ModelVersion, reward_id) if reward_id else None


MODELS: Final = {
    "import_model": _target,
    "sample": _writers,
    "pretrain": _base_if_named,
    "sft": _base_and_judge,
    "reward": _base_and_live,
    "ppo": _policy_and_reward,
    "rloo": _policy_and_reward,
    "grpo": _policy_and_reward,
    "best_of_n": _policy_and_reward,
    "dpo": _policy_alone,
    "evaluate": _compared,
}


def _known(session: Session, wanted: Launch, roles: frozenset[str]) -> dict[str, ModelVersion]:
    """The model versions that were named, each of them one of this project's."""
    found = {}
    for role, version_id in wanted.models.items():
        if role not in roles:
            raise Unprocessable(f"{wanted.kind} has no model in the role {role!r}", field=f"models.{role}")
        version = session.get(ModelVersion, version_id)
        if version is None or version.project_id != wanted.project_id:
            raise Unprocessable(
                f"there is no model version {version_id} in this project",
                field=f"models.{role}",
                type="no-such-model",
                advice="The registry lists the project's model versions.",
            )
        found[role] = version
    return found


def _policy(session: Session, wanted: Launch) -> ModelVersion:
    policy = registry.live_policy(session, wanted.project_id)
    if policy is None:
        raise Unprocessable(
            "this project has no live model that writes",
            field="models",
            type="no-live-policy",
            advice="Import a model and promote it.",
        )
    return policy


def _require_weights(version: ModelVersion, role: str) -> None:
    if version.artifact_sha256 is None:
        raise Unprocessable(
            f"{version.name} has no weights yet: its import is not done",
            field=f"models.{role}",
            type="model-without-artifact",
            advice="Wait for the import, or look at why it failed under Runs.",
        )


def _text(session: Session, wanted: Launch) -> dict[str, int]:
    needed = wanted.kind == "pretrain" or (wanted.kind == "sft" and wanted.config["pretrain_share"] > 0)
    if wanted.text_id is None:
        if needed:
            raise _wrong_text("no-text", f"{wanted.kind} needs a text here")
        return {}
    if wanted.kind not in READERS:
        raise _wrong_text("wrong-text", f"{wanted.kind} reads no text; {', '.join(READERS)} do")
    text = session.get(DatasetSnapshot, wanted.text_id)
    if text is None or text.project_id != wanted.project_id or text.kind != "text":
        raise _wrong_text("no-such-text", f"there is no text {wanted.text_id} in this project")
    return {"text_id": text.id}


def _wrong_text(slug: str, detail: str) -> Unprocessable:
    return Unprocessable(detail, field="text_id", type=slug, advice="Upload a text, then name it here by its id.")
