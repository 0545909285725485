"""The workers' Celery: it carries doorbells and nothing else. `celery -A workers.celery_app worker -Q training`.

Messages are acknowledged on receipt and may be lost, doubled or late: a run's lease decides who works on it, and the
scheduler rings again. One process does one run at a time (a solo pool), because the run's own process is its child.
"""

import logging
from typing import Any

from celery import Celery
from celery.concurrency.solo import TaskPool
from celery.signals import worker_ready, worker_shutting_down

from app import isolation
from app.config import get_settings
from app.jobs import EXECUTE_RUN
from workers import listening, presence
from workers.jobs import execution

logger = logging.getLogger(__name__)


class OneRunPool(TaskPool):
    """Celery's `solo`, which also takes a "cold" stop (SIGQUIT, a second Ctrl-C) as the wish to give the run back."""

    def terminate_job(self, pid: int, signal: int | None = None) -> None:  # noqa: ARG002 - Celery's signature
        """End what is being worked on."""
        execution.stopping.set()


DOORBELLS: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "result_backend": None,
    "task_acks_late": False,
    "task_default_queue": "light",
    "worker_pool": "workers.celery_app:OneRunPool",
    "worker_concurrency": 1,
    # No limit: a doorbell whose acknowledgement went down with Redis counts as unanswered for ever, and with a limit of
    # one it would be this worker's last. What keeps doorbells from being parked here is the next line.
    "worker_prefetch_multiplier": 0,
    "worker_disable_prefetch": True,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 15,
    },
}


def make_app() -> Celery:
    """The Celery application, connected to the configured Redis."""
    address = get_settings().redis_url
    made = Celery("plackett", broker=address.get_secret_value() if address else None)
    made.conf.update(DOORBELLS)
    return made


app = make_app()


@app.task(name=EXECUTE_RUN)
def execute_run(run_id: int) -> None:
    """Answer a doorbell."""
    with listening.ear.answering():
        execution.execute(run_id)


@worker_ready.connect
def begin_listening(**_signal: object) -> None:
    """Watch over the doorbells of this worker's queues, say that it is there, and what protects the machine from a
    training process.
    """
    # First, because isolation that is required and does not hold is an error that Celery logs and passes over.
    listening.begin(list(app.amqp.queues.consume_from))
    presence.begin(list(app.amqp.queues.consume_from))
    logger.info("on this machine: %s", isolation.found(get_settings()).words)


@worker_shutting_down.connect
def stop_working(**_signal: object) -> None:
    """Give the run back: its child is ended and it waits for another worker."""
    execution.stopping.set()
    presence.over.set()
