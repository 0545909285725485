"""Blind comparisons: what is asked of whom, how votes are counted, and that nothing is learnt from them."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.errors import Conflict, Unprocessable
from app.gold.service import Known, make_known
from app.loop import blind, counting, pool, service
from app.loop.blind_words import most_share
from app.loop.tables import LoopDecision
from app.projects.tables import Membership
from app.prompts.tables import Prompt
from app.rankings.progress import count_comparisons
from app.rankings.tables import Comparison, Ranking
from app.registry.tables import ModelVersion
from app.runs import service as runs
from app.runs.tables import Run
from app.tasks import changing
from app.tasks import service as tasks
from app.tasks.tables import Task, TaskCompletion
from tests.app.judgment_rows import World, submit, take
from tests.app.loop.blind_stage import a_policy, a_stage, asked, claimed, held_out, line, vote, votes, written
from workers.jobs import sample, sample_plan


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    return a_stage(session, tmp_path / "base", completions_per_task=2)


@pytest.fixture
def candidate(world: World) -> ModelVersion:
    return a_policy(world)


def told(world: World) -> list[LoopDecision]:
    return list(world.session.scalars(select(LoopDecision).order_by(LoopDecision.id)))


def test_both_answer_one_held_out_prompt_of_each_group_by_the_same_settings(
    world: World, candidate: ModelVersion
) -> None:
    world.prompt("test", group="twins"), world.prompt("test", group="twins")
    comparison = asked(world, candidate, prompts=1000)
    run = world.session.get_one(Run, comparison.run_id)
    chosen = list(world.session.scalars(select(Prompt).where(Prompt.id.in_(run.inputs["prompt_ids"]))))
    assert len(chosen) == comparison.prompts == 21
    assert {one.split for one in chosen} == {"validation", "test"}
    assert len({one.group_hash for one in chosen}) == len(chosen)
    assert run.inputs["models"] == {"first": candidate.id, "second": world.model.id}
    held = claimed(world, comparison)
    rows = list(sample_plan.rows(world.session, held, held.inputs["prompt_ids"]))
    both = [{"model": role, "count": 1, "first_index": 0} for role in ("first", "second")]
    assert [row["requests"] for row in rows] == [both] * 21


def test_prompts_are_drawn_by_the_seed_and_those_asked_least_come_first(world: World, candidate: ModelVersion) -> None:
    first = asked(world, candidate, prompts=10)
    drawn = world.session.get_one(Run, first.run_id).inputs["prompt_ids"]
    again = blind.tasks.held_out_prompts(world.session, world.project.id, most=10, seed=1)
    other = blind.tasks.held_out_prompts(world.session, world.project.id, most=10, seed=2)
    assert drawn == again
    assert set(drawn) != set(other)
    written(world, first)
    blind.stop(world.session, first.id, actor=None)
    second = asked(world, candidate, prompts=10)
    assert not set(drawn) & set(world.session.get_one(Run, second.run_id).inputs["prompt_ids"])


def test_every_pair_wants_one_vote_and_the_votes_are_told_apart(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison, same=2)
    pairs = list(world.session.scalars(select(Task).where(Task.run_id == comparison.run_id)))
    assert {(one.purpose, one.overlap, one.state) for one in pairs} == {("blind", 1, "open")}
    votes(world, candidate, "win", 3)
    votes(world, candidate, "loss", 2)
    votes(world, candidate, "tie", 1)
    here = blind.seen(world.session, [comparison])[0]
    assert here.open_tasks == 20 - 2 - 6
    assert (here.finding.tally.wins, here.finding.tally.losses, here.finding.tally.ties) == (3, 2, 1)
    assert here.finding.tally.identical == 2
    blind.look(world.session, comparison.id)
    assert comparison.state == "open"


def test_votes_become_no_data(world: World, candidate: ModelVersion) -> None:
    written(world, asked(world, candidate))
    votes(world, candidate, "win", 5)
    assert world.session.scalar(select(func.count()).select_from(Ranking)) == 5
    assert world.session.scalar(select(func.count()).select_from(Comparison)) == 0
    assert count_comparisons(world.session, world.project.id).rankings == 0
    assert counting.count_rankings(world.session, world.project.id)["total"] == 0
    assert counting.count_tasks(world.session, world.project.id) == {"open": 0, "done": 0}


def test_their_prompts_are_still_to_be_ranked(world: World, candidate: ModelVersion) -> None:
    before = pool.unanswered(world.session, world.project.id, world.model, limit=100)
    written(world, asked(world, candidate))
    assert world.session.scalar(select(func.count()).where(Completion.model_version_id == world.model.id)) == 20
    assert pool.unanswered(world.session, world.project.id, world.model, limit=100) == before


def test_a_comparison_that_was_stopped_holds_up_no_new_tasks(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    blind.stop(world.session, comparison.id, actor=None)
    assert world.session.get_one(Run, comparison.run_id).state == "cancelled"
    assert pool.fill(world.session, world.project.id) is not None


def test_the_pool_is_filled_beside_a_comparison(world: World, candidate: ModelVersion) -> None:
    """Its tasks are no tasks that are ready to be learnt from, and its run writes none for the pool."""
    comparison = asked(world, candidate)
    run = pool.fill(world.session, world.project.id)
    assert run is not None, "while the comparison's run writes"
    runs.cancel(world.session, run.id, actor=None)
    run.finished_at = func.now() - timedelta(hours=1)
    written(world, comparison)
    assert tasks.count_ready_tasks(world.session, world.project.id, enough=16) == 0
    assert pool.fill(world.session, world.project.id) is not None, "while its tasks are open"


def test_one_persons_votes_are_no_verdict_where_others_judge(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    votes(world, candidate, "tie", 2, people=2)
    votes(world, candidate, "win", 15, people=1)
    blind.look(world.session, comparison.id)
    assert comparison.state == "open"
    here = blind.seen(world.session, [comparison])[0]
    assert (here.finding.standing.verdict, here.finding.verdict) == ("better", "undecided")
    assert here.words.endswith(
        "They would be enough, but one person cast 15 of the 15 decided votes, and a verdict may rest on one person "
        "for 50% at most."
    )
    votes(world, candidate, "tie", 3)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict) == ("finished", "undecided"), "nobody else is asked any more"
    assert "one person cast 15" in blind.seen(world.session, [comparison])[0].words


def test_an_ended_comparison_is_not_counted_again(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    votes(world, candidate, "tie", 5)
    votes(world, candidate, "win", 15, people=1)
    blind.look(world.session, comparison.id)
    assert (comparison.verdict, comparison.most_by_one, comparison.most_share) == ("undecided", 15, 0.5)
    said = blind.seen(world.session, [comparison])[0].words
    for person in world.session.scalars(select(Membership)):
        person.paused_at = func.now()
    world.session.flush()
    statements: list[str] = []
    event.listen(world.session.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert blind.seen(world.session, [comparison])[0].words == said, "alone with these votes they would be enough"
    assert statements
    assert not [one for one in statements if "rankings" in one or "memberships" in one]


def test_where_only_one_person_judges_their_votes_are_all_there_is(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    votes(world, candidate, "win", 15, people=1)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict) == ("finished", "better")
    newcomers = [world.task() for _ in range(3)]
    for _ in newcomers:
        submit(world.session, take(world, person := world.person()), person)
    here = blind.seen(world.session, [comparison])[0]
    assert here.finding.verdict == "better", "a verdict that was given stays, whoever comes"


@pytest.mark.parametrize(("people", "share"), [(0, 1.0), (1, 1.0), (2, 0.75), (3, 0.5), (40, 0.5)])
def test_how_much_of_a_verdict_may_be_one_persons(people: int, share: float) -> None:
    assert most_share(people) == share


def test_a_verdict_ends_it_in_words_with_its_numbers(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    votes(world, candidate, "tie", 1)
    votes(world, candidate, "win", 15)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict, comparison.wins, comparison.ties) == ("finished", "better", 15, 1)
    decision = told(world)[-1]
    assert decision.text == (
        "Blind people find policy-7 better than tiny: 15 wins, 0 losses, 1 tie of 16 votes; win rate 1.00 of the "
        "decided votes, 95 % confidence sequence 0.505–1.000."
    )
    assert (decision.tone, decision.run_id) == ("good", comparison.run_id)
    assert decision.numbers["blind"]["wins"] == 15
    left = list(world.session.scalars(select(Task.state).where(Task.run_id == comparison.run_id)))
    assert (left.count("done"), left.count("retired")) == (16, 4)
    blind.look(world.session, comparison.id)
    assert len(told(world)) == 1, "looking again says nothing twice"


def test_votes_that_run_out_say_about_how_many_are_missing(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    votes(world, candidate, "loss", 8)
    votes(world, candidate, "win", 12)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict) == ("finished", "undecided")
    assert told(world)[-1].text == (
        "Blind people can't tell policy-7 from tiny yet: 12 wins, 8 losses, 0 ties of 20 votes; win rate 0.60 of the "
        "decided votes, 95 % confidence sequence 0.311–0.847. Not enough evidence: it needs about 210 more votes "
        "if they go on like this."
    )


def test_what_came_late_or_was_withdrawn_is_no_vote(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    withdrawn = vote(world, world.person(), candidate, "win")
    world.session.scalars(select(Ranking).filter_by(assignment_id=withdrawn.id)).one().withdrawn_at = func.now()
    late = take(world, slow := world.person())
    blind.stop(world.session, comparison.id, actor=None)
    answer = submit(world.session, late, slow)
    assert answer.body["extra"]
    assert (comparison.state, comparison.wins, comparison.losses) == ("cancelled", 0, 0)


def test_a_revised_vote_counts_as_it_was_revised(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    person = world.person()
    assignment = vote(world, person, candidate, "win")
    submit(world.session, assignment, person, [assignment.shown_order])
    tally = blind.tally_of(world.session, comparison)
    assert (tally.wins, tally.losses, tally.ties) == (0, 0, 1)


def test_a_verdict_before_everything_is_written_stops_the_run(world: World, candidate: ModelVersion) -> None:
    comparison = asked(held_out(world, 5), candidate, prompts=25)
    held = claimed(world, comparison)
    prompt_ids = world.session.get_one(Run, comparison.run_id).inputs["prompt_ids"]
    for prompt_id in prompt_ids[:16]:
        sample.record(world.session, held, [line(role, prompt_id, role) for role in ("first", "second")])
    votes(world, candidate, "loss", 15)
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict) == ("finished", "worse")
    assert world.session.get_one(Run, comparison.run_id).state == "cancelling"
    late = [line(role, prompt_ids[20], role) for role in ("first", "second")]
    assert sample.record(world.session, held, late) == []
    open_tasks = select(func.count()).where(Task.run_id == comparison.run_id, Task.state == "open")
    assert world.session.scalar(open_tasks) == 0


def test_a_run_that_failed_ends_the_comparison(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    run = world.session.get_one(Run, comparison.run_id)
    blind.look(world.session, comparison.id)
    assert comparison.state == "open", "nothing is written yet, but it will be"
    run.state, run.finished_at, run.error = "failed", func.now(), "no disk"
    world.session.flush()
    blind.look(world.session, comparison.id)
    assert (comparison.state, comparison.verdict) == ("finished", "undecided")


def test_what_can_not_be_compared_is_refused(world: World, candidate: ModelVersion) -> None:
    with pytest.raises(Unprocessable, match="with itself"):
        asked(world, world.model)
    with pytest.raises(Unprocessable, match="no weights"):
        asked(world, world.model_version("policy", 9))
    asked(world, candidate)
    with pytest.raises(Conflict, match="compared already"):
        asked(world, candidate)
    with pytest.raises(Conflict, match="compared already"):
        blind.ask(
            world.session,
            blind.Wish(project_id=world.project.id, candidate_id=world.model.id, rival_id=candidate.id, prompts=3),
            actor=None,
        )


def test_no_held_out_prompts_no_comparison(session: Session, tmp_path: Path) -> None:
    world = a_stage(session, tmp_path / "base", prompts=0)
    with pytest.raises(Unprocessable) as refusal:
        asked(world, a_policy(world))
    assert refusal.value.type == "no-held-out-prompts"


def test_its_tasks_stay_what_they_are(world: World, candidate: ModelVersion) -> None:
    comparison = asked(world, candidate)
    written(world, comparison)
    admin = world.person("admin")
    task = world.session.scalars(select(Task).where(Task.run_id == comparison.run_id).limit(1)).one()
    with pytest.raises(Unprocessable, match="one vote"):
        changing.change_task(
            world.session, actor=admin, project_id=world.project.id, task_id=task.id, changes={"overlap": 3}
        )
    changing.change_overlap(world.session, actor=admin, project_id=world.project.id, overlap=4, which="all")
    ids = list(world.session.scalars(select(TaskCompletion.completion_id).where(TaskCompletion.task_id == task.id)))
    known = Known(purpose="gold", task_id=task.id, tiers=[[one] for one in ids])
    made = make_known(world.session, project_id=world.project.id, actor=admin, known=known, ties_allowed=True)
    world.session.refresh(task)
    assert (task.purpose, task.overlap) == ("blind", 1)
    assert made.task.id != task.id


def test_numbers_of_completions_do_not_tell_who_wrote(world: World, candidate: ModelVersion) -> None:
    comparison = asked(held_out(world, 20), candidate, prompts=40)
    held = claimed(world, comparison)
    prompt_ids = held.inputs["prompt_ids"]
    of_candidate = select(func.max(Completion.id)).where(Completion.model_version_id == candidate.id)
    of_rival = select(func.min(Completion.id)).where(Completion.run_id == comparison.run_id)
    of_rival = of_rival.where(Completion.model_version_id == world.model.id)
    sample.record(world.session, held, [line("first", one, "a") for one in prompt_ids])
    highest = world.session.scalar(of_candidate)
    sample.record(world.session, held, [line("second", one, "b") for one in prompt_ids])
    # As they were stored, every one of the candidate's came before every one of the rival's.
    stored = list(world.session.scalars(select(Completion.id).where(Completion.run_id == comparison.run_id)))
    assert min(stored) > highest
    assert world.session.scalar(of_rival) < world.session.scalar(of_candidate)
    shown = world.session.execute(
        select(Task.id, Completion.model_version_id)
        .join(TaskCompletion, TaskCompletion.task_id == Task.id)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .where(Task.run_id == comparison.run_id)
        .order_by(Task.id, Completion.id)
    )
    authors = [author for _, author in shown]
    lower, higher = authors[::2], authors[1::2]
    assert all({*pair} == {candidate.id, world.model.id} for pair in zip(lower, higher, strict=True))
    # Of 40 fair coins fewer than 5 or more than 35 have a chance below one in ten million.
    assert len(lower) == 40
    assert 5 <= lower.count(candidate.id) <= 35


def test_the_loop_goes_on_beside_it(world: World, candidate: ModelVersion) -> None:
    asked(world, candidate)
    state = service.state_of(world.session, world.project.id)
    assert state.active_runs[0].run.kind == "sample"
    assert state.cycle is None
