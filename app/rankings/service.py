"""Submit a ranking: once, whole, and kept even when it comes late."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app import audit, idempotency
from app.auth.tables import User
from app.errors import Conflict, Unprocessable
from app.rankings import practice
from app.rankings.comparisons import Pair, comparisons_of, ranks_of
from app.rankings.judgment import Form, Judgment, check_judgment
from app.rankings.practice import DEFAULT_RULE, Rule
from app.rankings.receipts import tell
from app.rankings.tables import Ranking, RankingItem
from app.statements import Statement, as_array
from app.tasks import slots
from app.tasks.tables import Assignment, Task

ROUTE: Final = "POST /assignments/{assignment_id}/ranking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A judgment on its way in: whose, on which assignment, under which rules and key.

    `task`: the assignment's task, where the caller holds the person, it and the assignment, all as they are now.
    `kept`: what the key was used for before (`idempotency.kept_under`), for such a caller.
    """

    assignment: Assignment
    task: Task | None = None
    kept: Mapping[str, Any] | None = None
    annotator: User
    judgment: Judgment
    form: Form
    edit_window: timedelta
    key: str
    practice: Rule = DEFAULT_RULE

    def request(self) -> dict[str, Any]:
        """What makes a repeat a repeat."""
        judgment = self.judgment
        return {
            "assignment": self.assignment.id,
            **judgment.content(),
            "touched": judgment.touched,
            "moves": judgment.moves,
            "active_ms": judgment.active_ms,
            "guideline": judgment.guideline_number,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the submitter is told; `replayed` when it had been told before."""

    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """The rows that a submission became."""

    ranking_id: int
    revision: int
    extra: bool
    comparisons: int
    submitted_at: datetime
    editable_until: datetime
    purpose: str
    counts: bool
    """Whether it is one more judgment of this person: neither practice, nor a revision, nor what was there already."""


def submit_ranking(session: Session, submission: Submission) -> Answer:
    """Write ranking, items, comparisons, slot, audit row and the kept answer in the caller's one transaction.

    The same key and body again get the first answer; they wait for it, because a person's deeds in a project happen one
    after the other. A submission equal to what is current already (another tab) is
    not written again. A changed one within the edit window is a revision. One whose lease has ended takes an open slot
    of its task, or is kept as `extra`.

    Raises:
        Unprocessable: the judgment does not fit the task or the form; or the key was used for something else.
        Conflict: the edit window is over.
    """
    who, request = submission.annotator, submission.request()
    if submission.task is None:
        slots.hold_person(session, submission.assignment.project_id, who.id)
        known = idempotency.known_answer(session, user_id=who.id, key=submission.key, route=ROUTE, request=request)
    else:
        known = idempotency.same_answer(submission.kept, route=ROUTE, request=request)
    if known is not None:
        return Answer(known, replayed=True)
    completion_ids = submission.assignment.shown_order
    if not completion_ids:
        raise Conflict("this task asks for a demonstration, not for a ranking", type="writing-task")
    check_judgment(submission.judgment, submission.form, completion_ids)
    recorded = _record(session, submission)
    told = tell(
        session,
        _body(session, recorded, submission),
        project_id=submission.assignment.project_id,
        annotator_id=who.id,
        key=submission.key,
        route=ROUTE,
        request=request,
        counting=recorded.counts,
    )
    return Answer(told)


def _record(session: Session, submission: Submission) -> Recorded:
    task, assignment = submission.task, submission.assignment
    if task is None:
        task, assignment = slots.lock_with_task(session, assignment.id)
    # Only a submitted assignment has a judgment, and a practice task of an attempt before this one.
    judged = assignment.state == "submitted" or task.purpose == "practice"
    current = find_current(session, assignment.id) if judged else None
    if current is not None and (task.purpose != "practice" or assignment.state == "submitted"):
        return _revise(session, submission, task, current)
    extra = not slots.fill_slot(session, task, assignment)
    revision = current.revision + 1 if current else 1
    return _write(session, submission, task, revision=revision, extra=extra)


def _revise(session: Session, submission: Submission, task: Task, current: Ranking) -> Recorded:
    if content_of(session, current) == submission.judgment.content():
        return _recorded(session, current, task, submission.edit_window)
    if task.purpose == "practice":
        raise practice.answered()
    if not is_editable(session, current, submission.edit_window):
        raise Conflict(
            "this ranking can no longer be changed: the edit window is over",
            type="edit-window-over",
            advice="The ranking you submitted stays as it is.",
        )
    revision, extra = current.revision + 1, current.extra
    recorded = _write(session, submission, task, revision=revision, extra=extra, action="ranking.revised")
    session.expire(current)
    return recorded


# One statement for everything a judgment is, its audit row, and the end of its assignment; nothing at all where the
# guidelines it was made under are unknown. The count makes the insert wait until the earlier revision has stepped back,
# because only one ranking of an assignment may be current.
WRITE = Statement(
    text(
        """
    WITH made_under AS MATERIALIZED (
      SELECT g.id FROM guideline_versions g, assignments a
      WHERE a.id = :assignment AND g.project_id = a.project_id AND g.number = CAST(:guideline AS bigint)),
    fresh AS MATERIALIZED (
      SELECT nextval('rankings_id_seq') AS id
      WHERE CAST(:guideline AS bigint) IS NULL OR EXISTS (SELECT 1 FROM made_under)),
    earlier AS (
      UPDATE rankings SET superseded_by_id = fresh.id FROM fresh
      WHERE assignment_id = :assignment AND superseded_by_id IS NULL RETURNING rankings.id),
    written AS (
      INSERT INTO rankings (id, project_id, assignment_id, task_id, annotator_id, revision, extra, rationale,
                            shown_order, touched, moves, active_ms, strength, none_acceptable, prompt_flags,
                            guideline_version_id, presentation)
      OVERRIDING SYSTEM VALUE
      SELECT fresh.id, a.project_id, a.id, a.task_id, a.annotator_id, :revision, :extra, :rationale,
             a.shown_order, :touched, :moves, :active_ms, CAST(:strength AS smallint), :none_acceptable,
             CAST(:prompt_flags AS text[]),
             (SELECT id FROM made_under),
             CAST(:presentation AS jsonb)
      FROM fresh, assignments a, (SELECT count(*) FROM earlier) AS stepped_back
      WHERE a.id = :assignment
      RETURNING id, project_id, assignment_id, task_id, annotator_id, revision, extra, created_at),
    items AS (
      INSERT INTO ranking_items (ranking_id, completion_id, rank, rating, flags, aspects)
      SELECT written.id, i.completion_id, i.rank, i.rating, ARRAY(SELECT jsonb_array_elements_text(i.flags)), i.aspects
      FROM written, unnest(CAST(:completions AS bigint[]), CAST(:ranks AS smallint[]), CAST(:ratings AS smallint[]),
                           ARRAY(SELECT jsonb_array_elements(CAST(:flags AS jsonb))),
                           ARRAY(SELECT jsonb_array_elements(CAST(:aspects AS jsonb))))
           AS i(completion_id, rank, rating, flags, aspects)),
    pairs AS (
      INSERT INTO comparisons (project_id, ranking_id, preferred_id, other_id, tie, strength)
      SELECT written.project_id, written.id, p.preferred_id, p.other_id, p.tie, CAST(:strength AS smallint)
      FROM written, unnest(CAST(:preferred AS bigint[]), CAST(:other AS bigint[]), CAST(:ties AS boolean[]))
           AS p(preferred_id, other_id, tie)),
    audited AS (
      INSERT INTO audit_events (actor_id, actor_kind, action, object_type, object_id, project_id, request_id, detail)
      SELECT written.annotator_id, 'person', :action, 'ranking', CAST(written.id AS text), written.project_id, :request,
             jsonb_build_object('task_id', written.task_id, 'assignment_id', written.assignment_id,
                                'revision', written.revision, 'extra', written.extra)
      FROM written),
    finished AS (
      UPDATE assignments SET state = 'submitted', leased_until = NULL, skip_reason = NULL, draft = NULL,
                             finished_at = now()
      FROM written WHERE assignments.id = written.assignment_id)
    SELECT id, created_at, coalesce(
      (SELECT r.created_at FROM rankings r WHERE r.assignment_id = :assignment AND r.revision = 1),
      created_at) AS first_at
    FROM written
    """
    )
)


def _write(
    session: Session,
    submission: Submission,
    task: Task,
    *,
    revision: int,
    extra: bool,
    action: str = "ranking.submitted",
) -> Recorded:
    judgment = submission.judgment
    pairs = comparisons_of(judgment.tiers)
    parameters = {
        "assignment": submission.assignment.id,
        "revision": revision,
        "extra": extra,
        "action": action,
        "request": audit.request_id.get(),
        **_plain_values(judgment),
        **_item_arrays(judgment),
        **_pair_arrays(pairs if task.purpose == "collect" else []),
    }
    row = WRITE.one_or_none(session, parameters)
    if row is None:
        raise Unprocessable(
            f"this project's guidelines have no version {judgment.guideline_number}",
            type="invalid-ranking",
            field="guideline_number",
            advice="Reload the guidelines and submit again.",
        )
    if submission.task is None:  # else the assignment is a copy, which stays what it was
        _note_end(submission.assignment, row.created_at)
    return Recorded(
        ranking_id=row.id,
        revision=revision,
        extra=extra,
        comparisons=len(pairs),
        submitted_at=row.created_at,
        editable_until=row.first_at + submission.edit_window,
        purpose=task.purpose,
        counts=revision == 1 and task.purpose != "practice",
    )


def _note_end(assignment: Assignment, at: datetime) -> None:
    """Let the object say what `WRITE` did to its row."""
    ended = {"state": "submitted", "leased_until": None, "skip_reason": None, "draft": None, "finished_at": at}
    for name, value in ended.items():
        set_committed_value(assignment, name, value)


def _plain_values(judgment: Judgment) -> dict[str, Any]:
    return {
        "rationale": judgment.rationale or None,
        "touched": judgment.touched,
        "moves": judgment.moves,
        "active_ms": judgment.active_ms,
        "strength": judgment.strength,
        "none_acceptable": judgment.none_acceptable,
        "prompt_flags": sorted(set(judgment.prompt_flags)),
        "guideline": judgment.guideline_number,
        "presentation": json.dumps(judgment.presentation.record()),
    }


def _pair_arrays(pairs: Sequence[Pair]) -> dict[str, str]:
    return {
        "preferred": as_array(pair.preferred_id for pair in pairs),
        "other": as_array(pair.other_id for pair in pairs),
        "ties": as_array(pair.tie for pair in pairs),
    }


def _item_arrays(judgment: Judgment) -> dict[str, str]:
    ranks = ranks_of(judgment.tiers)
    return {
        "completions": as_array(ranks),
        "ranks": as_array(ranks.values()),
        "ratings": as_array(judgment.ratings.get(completion) for completion in ranks),
        "flags": json.dumps([sorted(set(judgment.flags.get(completion, ()))) for completion in ranks]),
        "aspects": json.dumps([dict(judgment.aspects.get(completion, {})) for completion in ranks]),
    }


def _recorded(session: Session, ranking: Ranking, task: Task, edit_window: timedelta) -> Recorded:
    items = session.scalar(select(func.count()).where(RankingItem.ranking_id == ranking.id)) or 0
    return Recorded(
        ranking_id=ranking.id,
        revision=ranking.revision,
        extra=ranking.extra,
        comparisons=items * (items - 1) // 2,
        submitted_at=ranking.created_at,
        editable_until=_editable_until(session, ranking.assignment_id, edit_window),
        purpose=task.purpose,
        counts=False,
    )


def _editable_until(session: Session, assignment_id: int, edit_window: timedelta) -> datetime:
    """The window opens with the first revision, so that editing does not keep it open for ever."""
    first = session.scalars(
        select(Ranking.created_at).where(Ranking.assignment_id == assignment_id).order_by(Ranking.revision).limit(1)
    ).one()
    return first + edit_window


def is_editable(session: Session, ranking: Ranking, edit_window: timedelta) -> bool:
    """Whether the ranking may still be revised, by the database's clock."""
    now: datetime = session.scalars(select(func.now())).one()
    return now < _editable_until(session, ranking.assignment_id, edit_window)


CURRENT: Final = (
    select(Ranking)
    .where(Ranking.assignment_id == bindparam("assignment"), Ranking.superseded_by_id.is_(None))
    .execution_options(populate_existing=True)
)


def find_current(session: Session, assignment_id: int) -> Ranking | None:
    """The assignment's ranking that counts."""
    return session.scalars(CURRENT, {"assignment": assignment_id}).one_or_none()


def judgment_of(session: Session, ranking: Ranking) -> Judgment:
    """What a stored ranking says, in the words it was submitted in."""
    items = list(
        session.scalars(
            select(RankingItem)
            .where(RankingItem.ranking_id == ranking.id)
            .order_by(RankingItem.rank, RankingItem.completion_id)
        )
    )
    tiers = [[one.completion_id for one in items if one.rank == rank] for rank in sorted({one.rank for one in items})]
    return Judgment(
        tiers=tiers,
        ratings={one.completion_id: one.rating for one in items if one.rating is not None},
        flags={one.completion_id: one.flags for one in items if one.flags},
        rationale=ranking.rationale,
        strength=ranking.strength,
        aspects={one.completion_id: one.aspects for one in items if one.aspects},
        prompt_flags=ranking.prompt_flags,
        none_acceptable=ranking.none_acceptable,
        touched=ranking.touched,
        moves=ranking.moves,
        active_ms=ranking.active_ms,
    )


def content_of(session: Session, ranking: Ranking) -> dict[str, Any]:
    """What a stored ranking says, to compare with a submission's content."""
    return judgment_of(session, ranking).content()


def _body(session: Session, recorded: Recorded, submission: Submission) -> dict[str, Any]:
    assignment, feedback = submission.assignment, None
    if recorded.purpose == "practice":
        feedback = practice.feedback_on(session, assignment, submission.judgment.tiers, submission.practice)
    return {
        "ranking_id": recorded.ranking_id,
        "revision": recorded.revision,
        "extra": recorded.extra,
        "comparisons": recorded.comparisons,
        "submitted_at": recorded.submitted_at.isoformat(),
        "editable_until": recorded.editable_until.isoformat(),
        "feedback": asdict(feedback) if feedback else None,
    }
