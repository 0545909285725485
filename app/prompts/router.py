"""Prompts over HTTP: upload a set, look at its report, add or discard it."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, UploadFile

from app.auth.dependencies import ProjectPrompts, ProjectReader
from app.config import get_settings
from app.dependencies import PageDep, SessionDep
from app.inputs import Line
from app.pagination import Page
from app.prompts import listing, service
from app.prompts.schemas import LineError, PromptRead, PromptSetRead, prompt_read, prompt_set_read
from app.prompts.service import NewPromptSet
from app.prompts.splits import Split
from app.prompts.upload import Counted, Upload, shown_name

router = APIRouter(prefix="/projects/{project_id}", tags=["prompts"])
PromptSetId = Annotated[int, Path(ge=1, le=2**63 - 1)]
PromptSetFilter = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only prompts of this set.")]
FormLine = Annotated[Line | None, Form()]


@router.post("/prompt-sets", status_code=201)
def upload_prompt_set(
    access: ProjectPrompts,
    session: SessionDep,
    file: UploadFile,
    name: FormLine = None,
    source: FormLine = None,
    licence: FormLine = None,
) -> PromptSetRead:
    """Upload prompts; nothing is added yet, the answer reports what the file holds.

    The name tells the format, each also packed as `.gz`: `.jsonl` has `{"prompt": text or messages}` or
    `{"messages": [...]}` a line (`group` if prompts belong together), `.csv` a column `prompt` (`system`, `group`),
    `.txt` a prompt a line. UTF-8, at most 64 KiB a prompt.
    """
    file_name = shown_name(file.filename)
    upload = Upload(file=file.file, file_name=file_name, limit_bytes=get_settings().upload_limit_mb * 1024 * 1024)
    counted = Counted()
    prompt_set = service.stage_prompts(
        session,
        project_id=access.project.id,
        actor=access.user,
        parsed=upload.parsed(counted),
        new=NewPromptSet(name=name or file_name, file_name=file_name, source=source, licence=licence),
    )
    prompt_set.file_sha256, prompt_set.bytes = counted.digest.hexdigest(), counted.size
    return prompt_set_read(listing.reported(session, prompt_set))


@router.get("/prompt-sets")
def list_prompt_sets(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[PromptSetRead]:
    """The project's prompt sets, newest first."""
    rows = listing.list_prompt_sets(session, access.project.id, page)
    return Page(items=[prompt_set_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.get("/prompt-sets/{prompt_set_id}")
def get_prompt_set(prompt_set_id: PromptSetId, access: ProjectReader, session: SessionDep) -> PromptSetRead:
    """A prompt set with its report."""
    prompt_set = service.get_prompt_set(session, access.project.id, prompt_set_id)
    return prompt_set_read(listing.reported(session, prompt_set))


@router.get("/prompt-sets/{prompt_set_id}/errors")
def list_prompt_set_errors(
    prompt_set_id: PromptSetId, access: ProjectReader, session: SessionDep, page: PageDep
) -> Page[LineError]:
    """The lines that are no prompts, and why; the first thousand are kept."""
    prompt_set = service.get_prompt_set(session, access.project.id, prompt_set_id)
    rows = listing.list_set_errors(session, prompt_set, page)
    return Page(items=[LineError.model_validate(error) for error in rows.items], next_cursor=rows.next_cursor)


@router.post("/prompt-sets/{prompt_set_id}/accept")
def accept_prompt_set(prompt_set_id: PromptSetId, access: ProjectPrompts, session: SessionDep) -> PromptSetRead:
    """Add the good prompts of a set to the project."""
    prompt_set = service.get_prompt_set(session, access.project.id, prompt_set_id)
    return prompt_set_read(listing.reported(session, service.accept(session, actor=access.user, prompt_set=prompt_set)))


@router.post("/prompt-sets/{prompt_set_id}/discard")
def discard_prompt_set(prompt_set_id: PromptSetId, access: ProjectPrompts, session: SessionDep) -> PromptSetRead:
    """Throw a set's prompts away; its report stays."""
    prompt_set = service.get_prompt_set(session, access.project.id, prompt_set_id)
    return prompt_set_read(
        listing.reported(session, service.discard(session, actor=access.user, prompt_set=prompt_set))
    )


@router.get("/prompts")
def list_prompts(
    access: ProjectReader,
    session: SessionDep,
    page: PageDep,
    prompt_set_id: PromptSetFilter = None,
    split: Split | None = None,
) -> Page[PromptRead]:
    """The project's prompts, newest first."""
    rows = listing.list_prompts(session, access.project.id, page, prompt_set_id=prompt_set_id, split=split)
    return Page(items=[prompt_read(one) for one in rows.items], next_cursor=rows.next_cursor)
