"""Webhooks over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.auth.dependencies import ProjectAdmin
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.webhooks import service
from app.webhooks.schemas import (
    MessageRead,
    NewSecret,
    NewWebhook,
    WebhookChange,
    WebhookRead,
    message_read,
    new_secret,
    webhook_read,
)
from app.webhooks.tables import Webhook

router = APIRouter(prefix="/projects/{project_id}/webhooks", tags=["webhooks"])


def own_webhook(
    access: ProjectAdmin,
    session: SessionDep,
    webhook_id: Annotated[int, Path(ge=1, le=2**63 - 1, description="The webhook's id.")],
) -> Webhook:
    """The webhook in the path, if it is the project's."""
    return service.find(session, access.project.id, webhook_id)


OwnWebhook = Annotated[Webhook, Depends(own_webhook)]


@router.get("")
def list_webhooks(access: ProjectAdmin, session: SessionDep, page: PageDep) -> Page[WebhookRead]:
    """The project's webhooks, newest first."""
    rows = service.listed(session, access.project.id, page)
    return Page(items=[webhook_read(seen) for seen in rows.items], next_cursor=rows.next_cursor)


@router.post("", status_code=201)
def add_webhook(new: NewWebhook, access: ProjectAdmin, session: SessionDep) -> NewSecret:
    """Add a webhook. Its messages are signed as Standard Webhooks says, with the secret in this answer."""
    made = service.add(session, access.project.id, actor=access.user, url=new.url, events=new.events)
    return new_secret(made, service.seen(session, made.webhook))


@router.patch("/{webhook_id}")
def change_webhook(
    change: WebhookChange, webhook: OwnWebhook, access: ProjectAdmin, session: SessionDep
) -> WebhookRead:
    """Choose other events, or switch the webhook off or on."""
    changed = service.change(session, webhook, actor=access.user, events=change.events, enabled=change.enabled)
    return webhook_read(service.seen(session, changed))


@router.post("/{webhook_id}/secret")
def rotate_secret(webhook: OwnWebhook, access: ProjectAdmin, session: SessionDep) -> NewSecret:
    """Make a new secret. For a day messages are signed with the old one too."""
    made = service.rotate(session, webhook, actor=access.user)
    return new_secret(made, service.seen(session, made.webhook))


@router.post("/{webhook_id}/test", status_code=202)
def test_webhook(webhook: OwnWebhook, access: ProjectAdmin, session: SessionDep) -> MessageRead:
    """Send a message that means nothing; how it went is seen among the messages a moment later."""
    return message_read(service.test(session, webhook, actor=access.user))


@router.get("/{webhook_id}/messages")
def list_messages(webhook: OwnWebhook, session: SessionDep, page: PageDep) -> Page[MessageRead]:
    """What the webhook was told in the last month, newest first."""
    rows = service.messages(session, webhook, page)
    return Page(items=[message_read(one) for one in rows.items], next_cursor=rows.next_cursor)
