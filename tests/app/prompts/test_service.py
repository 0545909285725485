import pytest
from sqlalchemy import func, select

from app.auth.tables import AuditEvent
from app.errors import Conflict, NotFound, Unprocessable
from app.pagination import PageRequest
from app.prompts import listing, service
from app.prompts.messages import NotAPromptError
from app.prompts.parsing import BadLine, GoodLine
from app.prompts.service import NewPromptSet
from app.prompts.splits import group_hash, split_of
from app.prompts.tables import Prompt, PromptSetError
from tests.app import cast

NEW = NewPromptSet(name="Mine", file_name="mine.jsonl", source="me", licence="CC0-1.0")


@pytest.fixture
def project(session):
    return cast.a_project(session, admin=cast.a_user(session))


def good(*texts: str) -> list[GoodLine]:
    return [GoodLine(line, [{"role": "user", "content": text}], None) for line, text in enumerate(texts, start=1)]


def stage(session, project, parsed):
    return service.stage_prompts(session, project_id=project.id, actor=None, parsed=parsed, new=NEW)


def count_prompts(session, state: str) -> int:
    return session.scalar(select(func.count()).where(Prompt.state == state))


def test_an_upload_counts_for_nothing_until_it_is_accepted(session, project):
    staged = stage(session, project, [*good("one", "two"), BadLine(3, "bad", "x")])
    assert (staged.state, staged.lines, staged.good, staged.bad, staged.duplicates) == ("staged", 3, 2, 1, 0)
    assert (count_prompts(session, "staged"), count_prompts(session, "active")) == (2, 0)
    service.accept(session, actor=None, prompt_set=staged)
    assert (count_prompts(session, "staged"), count_prompts(session, "active")) == (0, 2)
    assert staged.decided_at is not None


def test_the_split_is_decided_at_the_upload(session, project):
    stage(session, project, [GoodLine(1, [{"role": "user", "content": "one"}], "family")])
    prompt = session.scalar(select(Prompt))
    assert prompt.group_hash == group_hash("family", "one")
    assert prompt.split == split_of(prompt.group_hash)


def test_duplicates_are_counted_inside_the_file_and_against_the_project(session, project):
    service.accept(session, actor=None, prompt_set=stage(session, project, good("one", "two")))
    again = stage(session, project, good(" two\n", "three", "three", "four", "three"))
    assert (again.lines, again.good, again.duplicates) == (5, 2, 3)


def test_another_projects_prompts_are_no_duplicates(session, project):
    service.accept(session, actor=None, prompt_set=stage(session, project, good("one")))
    assert stage(session, cast.a_project(session), good("one")).good == 1


def test_of_two_staged_copies_the_second_counts_as_duplicates(session, project):
    first, second = stage(session, project, good("one", "two")), stage(session, project, good("two", "three"))
    service.accept(session, actor=None, prompt_set=first)
    service.accept(session, actor=None, prompt_set=second)
    assert (second.good, second.duplicates) == (1, 1)
    assert (count_prompts(session, "staged"), count_prompts(session, "active")) == (0, 3)


def test_a_discarded_set_keeps_its_report_only(session, project):
    staged = stage(session, project, [*good("one"), BadLine(2, "bad", "x")])
    service.discard(session, actor=session.get(cast.User, project.created_by), prompt_set=staged)
    assert session.scalar(select(func.count()).select_from(Prompt)) == 0
    assert session.scalar(select(func.count()).select_from(PromptSetError)) == 1
    assert staged.state == "discarded"


def test_a_set_is_decided_once(session, project):
    staged = stage(session, project, good("one"))
    service.accept(session, actor=None, prompt_set=staged)
    with pytest.raises(Conflict):
        service.accept(session, actor=None, prompt_set=staged)
    with pytest.raises(Conflict):
        service.discard(session, actor=None, prompt_set=staged)


def test_a_set_without_new_prompts_cannot_be_added(session, project):
    with pytest.raises(Unprocessable):
        service.accept(session, actor=None, prompt_set=stage(session, project, [BadLine(1, "bad", "x")]))


def test_the_first_thousand_errors_are_kept_and_all_are_counted(session, project):
    staged = stage(session, project, (BadLine(line, "bad", "x") for line in range(1, 2502)))
    assert (staged.bad, staged.lines) == (2501, 2501)
    assert session.scalar(select(func.count()).select_from(PromptSetError)) == 1000
    reported = listing.reported(session, staged)
    assert [error.line for error in reported.errors] == list(range(1, 21))


def test_several_batches_are_one_set(session, project):
    staged = stage(session, project, good(*(f"{number % 2500}" for number in range(2600))))
    assert (staged.good, staged.duplicates) == (2500, 100)
    service.accept(session, actor=None, prompt_set=staged)
    assert count_prompts(session, "active") == 2500


def test_a_strangers_set_does_not_exist(session, project):
    staged = stage(session, project, good("one"))
    with pytest.raises(NotFound):
        service.get_prompt_set(session, cast.a_project(session).id, staged.id)


def test_the_services_own_prompts_are_added_at_once(session, project):
    added = service.add_prompts(
        session, project_id=project.id, prompts=["one", [{"role": "user", "content": "two"}]], new=NEW
    )
    assert (added.state, added.good, len(added.file_sha256)) == ("added", 2, 64)
    assert [prompt.line for prompt in session.scalars(select(Prompt).order_by(Prompt.id))] == [1, 2]
    with pytest.raises(NotAPromptError):
        service.add_prompts(session, project_id=project.id, prompts=[""], new=NEW)


def test_each_decision_is_audited(session, project):
    staged = stage(session, project, good("one"))
    service.accept(session, actor=None, prompt_set=staged)
    actions = session.scalars(
        select(AuditEvent.action).where(AuditEvent.object_type == "prompt_set").order_by(AuditEvent.id)
    )
    assert list(actions) == ["prompt_set.uploaded", "prompt_set.added"]


def test_prompts_are_listed_by_set_and_split(session, project):
    first = stage(session, project, good("one", "two", "three"))
    service.accept(session, actor=None, prompt_set=first)
    second = stage(session, project, good("four"))

    def listed(**filters) -> list[str]:
        rows = listing.list_prompts(
            session, project.id, PageRequest(), **{"prompt_set_id": None, "split": None, **filters}
        )
        assert all((one.completions, one.tasks) == (0, 0) for one in rows.items)
        return [one.row.messages[0]["content"] for one in rows.items]

    assert listed() == ["three", "two", "one"]
    assert listed(prompt_set_id=second.id) == ["four"]
    assert sorted(listed(split="train") + listed(split="validation") + listed(split="test")) == ["one", "three", "two"]
