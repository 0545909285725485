"""Datasets over HTTP: download comparisons, count them, list what was frozen, upload raw texts."""

from typing import Annotated, Literal

from anyio import CancelScope
from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from app.auth.dependencies import ProjectDatasets, ProjectPrompts, ProjectReader
from app.config import get_settings
from app.datasets import service, texts
from app.datasets.export import FORMATS, MEDIA_TYPES, Export
from app.datasets.schemas import ComparisonSummary, SnapshotRead, TextRead, snapshot_read, text_read
from app.dependencies import PageDep, SessionDep
from app.inputs import Line
from app.pagination import Page
from app.prompts.service import NewPromptSet
from app.prompts.upload import Upload, shown_name

router = APIRouter(tags=["datasets"])

FormLine = Annotated[Line | None, Form()]
FileFormat = Annotated[
    Literal["jsonl", "parquet"], Query(alias="format", description="JSON lines, or one Parquet file.")
]


class ExportResponse(StreamingResponse):
    """Streams a download and closes it whatever happens: at its end, on an error, or when the reader goes away."""

    def __init__(self, export: Export, headers: dict[str, str]) -> None:
        super().__init__(export.chunks(), headers=headers)
        self.export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self.export.close)


def download_headers(project_id: int, file_format: str) -> dict[str, str]:
    """Type and name of the file."""
    return {
        "Content-Type": MEDIA_TYPES[file_format],
        "Content-Disposition": f'attachment; filename="comparisons-{project_id}.{file_format}"',
    }


@router.get(
    "/projects/{project_id}/comparisons",
    response_class=Response,
    responses={200: {"description": "The file.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}}},
)
def download_comparisons(access: ProjectDatasets, file_format: FileFormat = "jsonl") -> Response:
    """Every current comparison, by id, as of now: prompt, chosen and rejected as conversations, ties marked."""
    export = FORMATS[file_format](access.project.id)
    return ExportResponse(export, download_headers(access.project.id, file_format))


@router.head("/projects/{project_id}/comparisons", include_in_schema=False)
def describe_download(access: ProjectDatasets, file_format: FileFormat = "jsonl") -> Response:
    """What a download would be, without making it."""
    return Response(headers=download_headers(access.project.id, file_format))


@router.get("/projects/{project_id}/comparisons/summary")
def summarise_comparisons(access: ProjectReader, session: SessionDep) -> ComparisonSummary:
    """What the current judgments amount to."""
    return ComparisonSummary.model_validate(service.summarise(session, access.project.id))


@router.get("/projects/{project_id}/dataset-snapshots")
def list_dataset_snapshots(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[SnapshotRead]:
    """What runs were trained on, newest first."""
    rows = service.list_snapshots(session, access.project.id, page)
    return Page(items=[snapshot_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.post("/projects/{project_id}/texts", status_code=201)
def upload_text(
    access: ProjectPrompts,
    session: SessionDep,
    file: UploadFile,
    name: FormLine = None,
    source: FormLine = None,
    licence: FormLine = None,
) -> TextRead:
    """Upload a raw text, UTF-8, `.txt` or `.txt.gz`: to pretrain on, or to mix into other training against forgetting.

    The same text again is the same text.
    """
    file_name = shown_name(file.filename)
    snapshot = texts.store_text(
        session,
        project_id=access.project.id,
        actor=access.user,
        upload=Upload(file=file.file, file_name=file_name, limit_bytes=get_settings().upload_limit_mb * 1024 * 1024),
        new=NewPromptSet(name=name or file_name, file_name=file_name, source=source, licence=licence),
    )
    return text_read(snapshot)


@router.get("/projects/{project_id}/texts")
def list_texts(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[TextRead]:
    """The project's raw texts, newest first."""
    rows = texts.list_texts(session, access.project.id, page)
    return Page(items=[text_read(one) for one in rows.items], next_cursor=rows.next_cursor)
