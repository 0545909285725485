"""Blind comparisons: two model versions answer the same held-out prompts, and people judge without knowing of it.

What people say of these tasks is evaluation, never training data: the prompts are held out from every model, and a
policy that learnt from its own examination would pass the next one. So no judgment of them becomes a comparison.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict, NotFound, Unprocessable
from app.loop.blind_words import MOST_BY_ONE, Finding, Tally, most_share, verdict_words
from app.loop.tables import BlindComparison, LoopDecision
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.tables import Membership
from app.rankings.blind_votes import ERROR
from app.rankings.tables import Ranking
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import lifecycle
from app.runs import service as runs
from app.runs.launching import Launch, launch
from app.runs.priorities import URGENT
from app.runs.tables import Run
from app.tasks import blind as tasks
from app.tasks.assignment import BLANKS

PURPOSE: Final = "blind"
# What the run calls its models, and what whoever asks calls them.
FIELDS: Final = {"models.first": "candidate_id", "models.second": "rival_id"}
TONES: Final = {"better": "good", "worse": "bad", "undecided": "neutral"}
# A judgment that came after its task was closed (`extra`) was not asked for any more, and one that was withdrawn counts
# for nothing. A task takes one judgment, and a judgment is one vote, however many completions it orders: for the side
# that wins more of the pairs of one completion by each, so that nobody counts more often by seeing more cards. What
# says the same shares a card (`distinct` in app/tasks) and has its place in the order.
VOTES: Final = text(
    """
    WITH placed AS (
      SELECT r.id, r.annotator_id, said.model_version_id AS author, i.rank
      FROM tasks t
      JOIN rankings r ON r.task_id = t.id AND r.superseded_by_id IS NULL AND r.withdrawn_at IS NULL AND NOT r.extra
      JOIN ranking_items i ON i.ranking_id = r.id
      JOIN completions card ON card.id = i.completion_id
      JOIN completions said ON said.run_id = t.run_id AND said.prompt_id = t.prompt_id
        AND btrim(said.text, :blanks) = btrim(card.text, :blanks)
      WHERE t.run_id = :run AND t.purpose = 'blind'),
    leads AS (
      SELECT ours.annotator_id, sum(sign(theirs.rank - ours.rank)) AS lead
      FROM placed ours JOIN placed theirs USING (id)
      WHERE ours.author = :candidate AND theirs.author = :rival
      GROUP BY ours.annotator_id, id)
    SELECT annotator_id,
           count(*) FILTER (WHERE lead > 0) AS wins,
           count(*) FILTER (WHERE lead < 0) AS losses,
           count(*) FILTER (WHERE lead = 0) AS ties
    FROM leads
    GROUP BY annotator_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A comparison that somebody asks for: of the candidate with the rival, on so many held-out prompts at most."""

    project_id: int
    candidate_id: int
    rival_id: int | None = None
    prompts: int
    cycle_id: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A comparison with the votes by now and how many tasks still wait for theirs."""

    comparison: BlindComparison
    candidate: ModelVersion
    rival: ModelVersion
    run: Run
    finding: Finding
    open_tasks: int

    @property
    def words(self) -> str:
        """Where it stands."""
        return verdict_words(self.candidate.name, self.rival.name, self.finding, self.comparison.error)


def ask(session: Session, wish: Wish, *, actor: User | None) -> BlindComparison:
    """Let both versions answer held-out prompts by the project's sampling settings; their tasks open as they write.

    The rival is the live policy where none is named.

    Raises:
        Conflict: the same two are being compared already.
        Unprocessable: there is nothing to compare, or a version that can't write.
    """
    locks.hold(session, f"blind:{wish.project_id}")
    rival_id = wish.rival_id if wish.rival_id is not None else _live_id(session, wish.project_id)
    if rival_id == wish.candidate_id:
        raise Unprocessable("a version can't be compared with itself", field="rival_id", type="same-version")
    _refuse_twice(session, wish.candidate_id, rival_id)
    seed = secrets.randbelow(2**31) if wish.seed is None else wish.seed
    prompt_ids = tasks.held_out_prompts(session, wish.project_id, most=wish.prompts, seed=seed)
    if not prompt_ids:
        raise Unprocessable(
            "there are no held-out prompts to compare on",
            type="no-held-out-prompts",
            advice="Add prompts: a fixed share of their groups becomes the validation and the test split.",
        )
    run = _launch(session, wish, rival_id, prompt_ids, seed, actor)
    comparison = BlindComparison(
        project_id=wish.project_id,
        candidate_id=wish.candidate_id,
        rival_id=rival_id,
        run_id=run.id,
        cycle_id=wish.cycle_id,
        prompts=len(prompt_ids),
        error=ERROR,
        created_by=actor.id if actor else None,
    )
    session.add(comparison)
    session.flush()
    _record(session, comparison, "asked", actor, {"prompts": comparison.prompts, "run_id": run.id})
    return comparison


def _live_id(session: Session, project_id: int) -> int:
    live = registry.live_policy(session, project_id)
    if live is None:
        raise Unprocessable("this project has no live model that writes", field="rival_id", type="no-live-policy")
    return live.id


def _refuse_twice(session: Session, one: int, other: int) -> None:
    pair = {one, other}
    known = select(BlindComparison.id).where(
        BlindComparison.state == "open", BlindComparison.candidate_id.in_(pair), BlindComparison.rival_id.in_(pair)
    )
    if session.scalar(known) is not None:
        raise Conflict(
            "these two versions are being compared already",
            type="comparison-open",
            advice="Wait for its verdict, or stop it first.",
        )


def _launch(
    session: Session, wish: Wish, rival_id: int, prompt_ids: Sequence[int], seed: int, actor: User | None
) -> Run:
    """The run that writes as many completions a prompt as the project's tasks have, half by each version.

    Of an odd number chance, by the seed, gives one more to either; their names in the run say nothing of them.
    """
    wanted = Launch(
        project_id=wish.project_id,
        kind="sample",
        config={"prompts": len(prompt_ids)},
        models={"first": wish.candidate_id, "second": rival_id},
        shares=dict.fromkeys(("first", "second"), 0.5),
        seed=seed,
        priority=URGENT,
    )
    try:
        run = launch(session, wanted, actor=actor)
    except Unprocessable as refusal:
        refusal.field = FIELDS.get(refusal.field or "", refusal.field)
        raise
    run.inputs = {**run.inputs, "prompt_ids": list(prompt_ids), "purpose": PURPOSE}
    session.flush()
    return run


def look(session: Session, comparison_id: int) -> None:
    """Count the votes and end the comparison where they tell the two apart, or where none can come any more.

    Safe at any time and any number of times: the sequence holds for all looks together, and of several schedulers one
    holds the row.
    """
    comparison = _hold(session, BlindComparison.id == comparison_id, skip=True)
    if comparison is None or comparison.state != "open":
        return
    here = seen(session, [comparison])[0]
    is_over = here.run.state in lifecycle.FINAL and here.open_tasks == 0
    if here.finding.verdict == "undecided" and not is_over:
        return
    _finish(session, here)


def _hold(session: Session, which: ColumnElement[bool], *, skip: bool = False) -> BlindComparison | None:
    """A comparison and its run, held: the run first, as its worker holds it when it brings completions.

    None where there is none, or, with `skip`, where somebody else holds one of them.
    """
    its_run = select(BlindComparison.run_id).where(which).scalar_subquery()
    run = session.scalars(select(Run.id).where(Run.id == its_run).with_for_update(skip_locked=skip)).one_or_none()
    query = select(BlindComparison).where(BlindComparison.run_id == run).with_for_update(skip_locked=skip)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def open_tasks(session: Session, run_id: int, *, among: Collection[int]) -> int:
    """Put the prompts among these that a comparison's run has answered onto the desk, unless it has ended; how many.

    Its worker calls it, in the transaction that brings completions; from here on that one holds the run.
    """
    comparison = _hold(session, BlindComparison.run_id == run_id)
    if comparison is None or comparison.state != "open":
        return 0
    opened = tasks.open_answered(
        session,
        project_id=comparison.project_id,
        run_id=run_id,
        completions_per_prompt=_cards(session, comparison),
        among=among,
    )
    return len(opened.task_ids)


def _cards(session: Session, comparison: BlindComparison) -> int:
    """How many completions of a prompt both versions write together."""
    cards: int = session.get_one(Run, comparison.run_id).config["completions_per_prompt"]
    return cards


def _finish(session: Session, here: Seen) -> None:
    comparison, finding = here.comparison, here.finding
    _end_work(session, comparison, None)
    _keep(comparison, "finished", finding.tally)
    comparison.verdict = finding.verdict
    session.add(
        LoopDecision(
            project_id=comparison.project_id,
            cycle_id=comparison.cycle_id,
            run_id=comparison.run_id,
            tone=TONES[comparison.verdict],
            text=here.words,
            numbers={"blind": {"comparison_id": comparison.id, **finding.numbers()}},
        )
    )
    session.flush()
    _record(session, comparison, "finished", None, finding.numbers())


def _end_work(session: Session, comparison: BlindComparison, actor: User | None) -> None:
    """Write no more and ask for no more votes."""
    run = session.get_one(Run, comparison.run_id, populate_existing=True)
    if run.state not in lifecycle.FINAL:
        runs.cancel(session, run.id, actor=actor)
    tasks.retire(session, comparison.run_id)


def _keep(comparison: BlindComparison, state: str, tally: Tally) -> None:
    comparison.state, comparison.finished_at = state, func.now()
    comparison.wins, comparison.losses, comparison.ties = tally.wins, tally.losses, tally.ties
    comparison.identical = tally.identical
    comparison.most_by_one, comparison.most_share = tally.most_by_one, tally.most_share


def stop(session: Session, comparison_id: int, *, actor: User | None) -> None:
    """End an open comparison without a verdict: nothing more is written or asked, and its votes are kept."""
    comparison = _hold(session, BlindComparison.id == comparison_id)
    if comparison is None or comparison.state == "cancelled":
        return
    if comparison.state == "finished":
        raise Conflict("this comparison has its verdict already", type="comparison-finished")
    here = seen(session, [comparison])[0]
    _end_work(session, comparison, actor)
    _keep(comparison, "cancelled", here.finding.tally)
    session.flush()
    _record(session, comparison, "cancelled", actor, here.finding.numbers())


def of_cycle(session: Session, cycle_id: int) -> BlindComparison | None:
    """The comparison that a cycle asked for."""
    query = select(BlindComparison).where(BlindComparison.cycle_id == cycle_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def stop_for_cycle(session: Session, cycle_id: int, *, actor: User | None) -> None:
    """End a cycle's comparison that nobody waits for any more."""
    comparison = of_cycle(session, cycle_id)
    if comparison is not None and comparison.state == "open":
        stop(session, comparison.id, actor=actor)


def open_comparisons(session: Session) -> list[int]:
    """Ids of all comparisons that wait for votes."""
    query = select(BlindComparison.id).where(BlindComparison.state == "open").order_by(BlindComparison.id)
    return list(session.scalars(query))


def find(session: Session, project_id: int, comparison_id: int) -> BlindComparison:
    """The project's comparison, or `NotFound`."""
    found = session.get(BlindComparison, comparison_id)
    if found is None or found.project_id != project_id:
        raise NotFound("there is no such comparison in this project")
    return found


def listed(session: Session, project_id: int, page: PageRequest, *, model_version_id: int | None = None) -> Rows[Seen]:
    """A project's comparisons, newest first; all, or those with this version on either side."""
    query = select(BlindComparison).where(BlindComparison.project_id == project_id)
    if model_version_id is not None:
        either = (BlindComparison.candidate_id, BlindComparison.rival_id)
        query = query.where((either[0] == model_version_id) | (either[1] == model_version_id))
    rows = page_by_id(session, query, BlindComparison.id, page)
    return Rows(items=seen(session, rows.items), next_cursor=rows.next_cursor)


def policy_of(session: Session, run: Run) -> int:
    """The version that a run made, or else the one that it worked on as policy; 0 where it did neither."""
    made = session.scalar(select(ModelVersion.id).where(ModelVersion.run_id == run.id, ModelVersion.kind == "policy"))
    return made or run.inputs.get("models", {}).get("policy") or 0


def seen(session: Session, comparisons: Sequence[BlindComparison]) -> list[Seen]:
    """Comparisons with their votes: counted now where they are open, as they were counted where they have ended."""
    wanted = {one.candidate_id for one in comparisons} | {one.rival_id for one in comparisons}
    versions = {one.id: one for one in session.scalars(select(ModelVersion).where(ModelVersion.id.in_(wanted)))}
    return [
        Seen(
            comparison=one,
            candidate=versions[one.candidate_id],
            rival=versions[one.rival_id],
            run=session.get_one(Run, one.run_id, populate_existing=True),
            finding=Finding.of(tally_of(session, one), one.error),
            open_tasks=tasks.count_open(session, one.run_id) if one.state == "open" else 0,
        )
        for one in comparisons
    ]


def tally_of(session: Session, comparison: BlindComparison) -> Tally:
    """The votes of a comparison. Once it has ended they stay as they were, whoever judges in the project later."""
    if comparison.state != "open":
        return Tally(
            wins=comparison.wins,
            losses=comparison.losses,
            ties=comparison.ties,
            identical=comparison.identical,
            most_by_one=comparison.most_by_one,
            most_share=comparison.most_share,
        )
    sides = {"candidate": comparison.candidate_id, "rival": comparison.rival_id}
    rows = session.execute(VOTES, {"run": comparison.run_id, "blanks": BLANKS, **sides}).all()
    return Tally(
        wins=sum(row.wins for row in rows),
        losses=sum(row.losses for row in rows),
        ties=sum(row.ties for row in rows),
        identical=tasks.count_identical(session, comparison.run_id, _cards(session, comparison)),
        most_by_one=max((row.wins + row.losses for row in rows), default=0),
        most_share=most_share(_people(session, comparison.project_id)),
    )


def _people(session: Session, project_id: int) -> int:
    """How many of the project's people have ever judged here and may still, counted no further than is asked."""
    query = (
        select(Membership.user_id)
        .where(Membership.project_id == project_id, Membership.paused_at.is_(None))
        .where(
            select(Ranking.id)
            .where(Ranking.project_id == project_id, Ranking.annotator_id == Membership.user_id)
            .exists()
        )
        .limit(len(MOST_BY_ONE))
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(query)) or 0


def _record(
    session: Session, comparison: BlindComparison, what: str, actor: User | None, detail: dict[str, Any]
) -> None:
    audit.record(
        session,
        actor=actor,
        action=f"blind_comparison.{what}",
        object_type="blind_comparison",
        object_id=comparison.id,
        project_id=comparison.project_id,
        detail={"candidate_id": comparison.candidate_id, "rival_id": comparison.rival_id, **detail},
    )
