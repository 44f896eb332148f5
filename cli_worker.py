"""`huigong roster work`: the process that reads, approves and forgets big rosters, and does what
openings and operators' files of a city ask."""

import gc
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any

import click

from huigong.config import read_settings

_BEAT_SECONDS = 1.0


@click.command()
def work() -> None:
    """处理等待中的大名册（读取、批准、清除），做完就结束；通常由网站进程自动启动。"""
    from huigong import clock, database, uploads
    from huigong.office import open_office
    from huigong.workflows.enrollment import jobs, opening_jobs
    from huigong.workflows.operator import jobs as operator_jobs

    settings = read_settings()
    open_office(settings)
    gc.set_threshold(200_000, 20, 50)  # rows by the hundred thousand, and no cycles among them
    worker = f"{os.getpid()}:{secrets.token_hex(8)}"
    with database.db.connection_context():
        database.expect_many_rows()
        while job := jobs.take(worker, now=clock.real_now()):
            _do(jobs, job, worker, settings.files)
        jobs.drop_unread(settings.files)  # of one that was given up nobody else does it
        while opened := opening_jobs.take(worker, now=clock.real_now()):
            _do(opening_jobs, opened, worker, settings.files)
            if opening_jobs.is_absent(opened.opening_id):
                uploads.drop(settings.files, opened.opening.file)
        while sent := operator_jobs.take(worker, now=clock.real_now()):
            _do(operator_jobs, sent, worker, settings.files)
        operator_jobs.drop_unread(settings.files)


def _do(kind: Any, job: Any, worker: str, folder: Path) -> None:
    """Do a job by the deeds of its kind. What nobody foresaw ends the worker, said in the log; the
    job waits for the next one."""
    try:
        kind.work(job, worker=worker, folder=folder, told=_Told(job, worker))
    except Exception:
        logging.exception("%s %s broke off", type(job).__name__, job.id)
        raise


class _Told:
    """Progress into the database, once a second."""

    def __init__(self, job: Any, worker: str):
        self._job, self._worker, self._last, self._phase = job, worker, 0.0, ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        from huigong import clock
        from huigong.workflows import holding

        moment = time.monotonic()
        if moment - self._last < _BEAT_SECONDS and phase in ("", self._phase):
            return
        self._last, self._phase = moment, phase or self._phase
        holding.beat(
            self._job, worker=self._worker, phase=phase, done=done, total=total,
            now=clock.real_now(),
        )  # fmt: skip
