"""Lineage over HTTP. Annotators, who judge blind, do not get in here."""

from fastapi import APIRouter

from app.dependencies import PageDep, SessionDep
from app.lineage import service
from app.lineage.doors import ReadableCompletion, ReadableRanking
from app.lineage.schemas import (
    CompletionOrigins,
    JudgmentBehind,
    OriginsRead,
    TouchedModel,
    judgment_behind,
    origins_read,
    touched_model,
)
from app.pagination import Page
from app.registry.doors import ReadableVersion
from app.registry.tables import ModelVersion

router = APIRouter(tags=["lineage"])


@router.get("/model-versions/{model_version_id}/origins")
def get_origins(found: ReadableVersion, session: SessionDep) -> OriginsRead:
    """The models, runs and datasets that a model comes from, and how many judgments are behind it."""
    version, _ = found
    return origins_read(service.origins(session, version))


@router.get("/model-versions/{model_version_id}/origins/judgments")
def list_judgments_behind(found: ReadableVersion, session: SessionDep, page: PageDep) -> Page[JudgmentBehind]:
    """The judgments behind a model, newest first."""
    version, _ = found
    rows = service.judgments_behind(session, version, page)
    return Page(items=[judgment_behind(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.get("/completions/{completion_id}/origins")
def get_completion_origins(completion: ReadableCompletion, session: SessionDep) -> CompletionOrigins:
    """What is behind a completion: its model's origins, nothing behind a person's."""
    version = session.get(ModelVersion, completion.model_version_id) if completion.model_version_id else None
    return CompletionOrigins(
        completion_id=completion.id,
        run_id=completion.run_id,
        by_person=version is None,
        origins=origins_read(service.origins(session, version)) if version else None,
    )


@router.get("/rankings/{ranking_id}/models")
def list_models_touched(ranking: ReadableRanking, session: SessionDep, page: PageDep) -> Page[TouchedModel]:
    """Every model that a judgment has a part in, oldest first."""
    rows = service.models_touched(session, ranking, page)
    return Page(items=[touched_model(one) for one in rows.items], next_cursor=rows.next_cursor)
