"""Demonstrations over HTTP: uploaded, or written here; drafts, heartbeats and skips are those of every assignment."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response, UploadFile, status

from app.auth.dependencies import ProjectAdmin, ProjectAnnotator, ProjectPrompts, ProjectReader
from app.config import get_settings
from app.demonstrations import service, uploading
from app.demonstrations.schemas import (
    DemonstrationReceipt,
    DemonstrationUpload,
    NewDemonstration,
    WritingClaimRead,
    WritingClaimRequest,
    WritingSummary,
    WritingTasksOpened,
    WritingTasksWanted,
    upload_read,
    writing_claim_read,
)
from app.dependencies import IdempotencyKey, SessionDep
from app.inputs import Line
from app.prompts.service import NewPromptSet
from app.prompts.upload import Upload, shown_name
from app.tasks.dependencies import OwnAssignmentDep

router = APIRouter(tags=["demonstrations"])
FormLine = Annotated[Line | None, Form()]


@router.post("/projects/{project_id}/demonstrations", status_code=201)
def upload_demonstrations(
    access: ProjectPrompts,
    session: SessionDep,
    response: Response,
    file: UploadFile,
    preview: Annotated[bool, Query(description="Report what the file holds, and keep nothing of it.")] = False,
    name: FormLine = None,
    source: FormLine = None,
    licence: FormLine = None,
) -> DemonstrationUpload:
    """Upload demonstrations that people wrote elsewhere: JSON lines, also packed as `.gz`.

    A line is `{"prompt": text or messages, "completion": text}`, or `{"messages": [...]}` that the assistant ends
    (`group` if prompts belong together). Prompts that the project lacks are added with them. A text that is on its
    prompt already is passed over, so that the same file may be sent again. UTF-8, at most 64 KiB a text.
    """
    file_name = shown_name(file.filename)
    sent = uploading.Sent(
        project_id=access.project.id,
        actor=access.user,
        upload=Upload(file=file.file, file_name=file_name, limit_bytes=get_settings().upload_limit_mb * 1024 * 1024),
        new=NewPromptSet(name=name or file_name, file_name=file_name, source=source, licence=licence),
    )
    if preview:
        response.status_code = status.HTTP_200_OK
        return upload_read(uploading.preview_demonstrations(session, sent), file_name)
    return upload_read(uploading.store_demonstrations(session, sent), file_name)


@router.post("/projects/{project_id}/writing-tasks", status_code=201)
def open_writing_tasks(wanted: WritingTasksWanted, access: ProjectAdmin, session: SessionDep) -> WritingTasksOpened:
    """Ask for demonstrations: for so many active prompts that have none yet, those of the training split first."""
    opened = service.open_writing_tasks(
        session,
        project_id=access.project.id,
        actor=access.user,
        count=wanted.count,
        overlap=wanted.overlap,
        prompt_set_id=wanted.prompt_set_id,
    )
    return WritingTasksOpened(opened=opened)


@router.get("/projects/{project_id}/writing-tasks/summary")
def summarise_writing(access: ProjectReader, session: SessionDep) -> WritingSummary:
    """How far the writing is."""
    found = service.summarise(session, access.project.id)
    return WritingSummary(open=found.open, done=found.done, demonstrations=found.demonstrations)


@router.post("/projects/{project_id}/writing-tasks/claim")
def claim_writing_task(
    access: ProjectAnnotator, session: SessionDep, request: WritingClaimRequest | None = None
) -> WritingClaimRead:
    """The next prompt for you to answer; annotators get one only where the project lets them write."""
    holding = request.holding if request else []
    return writing_claim_read(service.claim(session, access, holding=holding))


@router.post("/assignments/{assignment_id}/demonstration", status_code=201)
def submit_demonstration(
    new: NewDemonstration, own: OwnAssignmentDep, key: IdempotencyKey, session: SessionDep, response: Response
) -> DemonstrationReceipt:
    """Submit your answer; it can be ranked by others like any other, never by you."""
    answer = service.submit(
        session,
        service.Written(
            assignment=own.assignment, author=own.access.user, text=new.text, active_ms=new.active_ms, key=key
        ),
    )
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return DemonstrationReceipt.model_validate(answer.body)
