"""Work in the background: how far big rosters are, the process that does the work, started when
there is some and gone when there is none, and the public site built anew once a day."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from flask import current_app

from huigong import clock, database, uploads
from huigong.access import holds
from huigong.config import Settings
from huigong.models import (
    Opening,
    OpeningJob,
    OperatorFile,
    OperatorJob,
    Role,
    Roster,
    RosterJob,
)
from huigong.refusals import Refused
from huigong.sheets import SheetRefused, weight_of
from huigong.site.build import day_of
from huigong.workflows.enrollment import jobs, opening_jobs
from huigong.workflows.operator import jobs as operator_jobs

READ_AT_ONCE = 256 * 1024  # bytes, some 4,000 people; more is read in the background
UNPACKED_AT_ONCE = 8 * 1024 * 1024  # bytes: a small file of ever the same rows is a big one, too
_WATCH_SECONDS = 5
_worker: subprocess.Popen[bytes] | None = None
_site: subprocess.Popen[bytes] | None = None
_site_begun = -float("inf")  # by the monotonic clock
_SITE_PATIENCE = 3600  # seconds from one building to the next that the day may need
_starting = threading.Lock()


PHASES = {
    "waiting": "等待处理",
    "read": "正在打开文件",
    "look": "正在核对新文件",
    "stage": "正在逐行校对",
    "enroll": "正在生成参保凭证",
    "settle": "正在核对重复参保并生成应缴",
    "forget": "正在删除名单",
    "check": "正在逐行校对",
    "book": "正在入账",
    "write": "正在写文件",
    "mark": "正在标出错误原因",
    "take": "正在登记",
}
UNDER_WAY = ("正在读取", "wait")  # the badge of a roster while its file is read
UNREAD = ("文件没有采用", "done")  # and of one of which nothing was saved: nobody has to tend it


def is_big(kept: uploads.Kept, folder: Path) -> bool:
    """Whether a kept file is read in the background. Refuses what is no workbook at once."""
    try:
        with uploads.open_kept(folder, kept.file) as file:
            weight = weight_of(file)
    except SheetRefused as refused:
        raise Refused("file", str(refused)) from refused
    return kept.size > READ_AT_ONCE or weight > UNPACKED_AT_ONCE


def work_of(roster: Roster) -> dict[str, Any]:
    """What a roster's page says of the work on it; a worker that is gone is replaced."""
    job = jobs.job_of(roster)
    if job is not None and not job.refused and _is_unheld(job):
        start_worker(current_app.config["SETTINGS"])
    return {
        "job": job,
        "at_work": job is not None and not job.refused,
        "unread": _is_unread(job),
        "under_way": UNREAD if _is_unread(job) else UNDER_WAY,
        "phase": PHASES.get(job.phase, "") if job else "",
        "may_stop": job is not None and may_stop(job, roster),
    }


def _is_unread(job: RosterJob | None) -> bool:
    return job is not None and job.kind in jobs.READING and bool(job.refused)


def readings_among(rosters: list[Roster]) -> dict[int, tuple[str, str]]:
    """The badges of the rosters in a list whose files are being read, or were not taken."""
    reading = [roster.id for roster in rosters if roster.stage == "reading"]
    found = RosterJob.select().where(RosterJob.roster << reading) if reading else []
    return {job.roster_id: UNREAD if _is_unread(job) else UNDER_WAY for job in found}


def opening_work_of(kept: Opening) -> dict[str, Any]:
    """What an opening's page says of the work on it; a worker that is gone is replaced."""
    job = opening_jobs.job_of(kept)
    if job is not None and not job.refused and _is_unheld(job):
        start_worker(current_app.config["SETTINGS"])
    return {"job": job, "phase": PHASES.get(job.phase, "") if job else ""}


def operator_work_of(file: OperatorFile) -> dict[str, Any]:
    """What the page of an operator's file says of the work on it; a worker that is gone is
    replaced."""
    job = operator_jobs.job_of(file)
    at_work = job is not None and job.kind != "found" and not job.refused
    if job is not None and at_work and _is_unheld(job):
        start_worker(current_app.config["SETTINGS"])
    return {"job": job, "at_work": at_work, "phase": PHASES.get(job.phase, "") if job else ""}


def _is_unheld(job: RosterJob | OpeningJob | OperatorJob) -> bool:
    if not job.worker or job.beat_at is None:
        return True
    return bool((clock.real_now() - job.beat_at).total_seconds() > 20)


def may_stop(job: RosterJob, roster: Roster) -> bool:
    role = Role.CLERK if job.kind in ("read", "look") else Role.REVIEWER
    return job.kind not in jobs.UNSTOPPED and holds(role, at=roster.organization)


def start_worker(settings: Settings) -> None:
    """Start a worker unless this process has one at work.

    It is detached, so that it outlives the web process, and takes up whatever waits in the
    database: two of them share the work.
    """
    global _worker  # one web process keeps one worker
    with _starting:
        if _worker is not None and _worker.poll() is None:
            return
        command = [sys.executable, "-m", "huigong.cli", "roster", "work"]
        _worker = subprocess.Popen(  # noqa: S603 - our own interpreter and command; no shell
            command,
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )


def _environment(settings: Settings) -> dict[str, str]:
    """This office's settings for a process of its own, whatever this one was started with."""
    said = {
        "HUIGONG_HOME": str(settings.home),
        "HUIGONG_KEYS": str(settings.keys),
        "DATABASE_URL": settings.database_url,
        "HUIGONG_TODAY": settings.today.isoformat() if settings.today else "",
    }
    return {**os.environ, **said}


def keep_watch(settings: Settings) -> None:
    """Look every few seconds whether work waits, also what a killed worker left behind, and
    whether the public site is of an earlier day."""
    threading.Thread(target=_watch, args=(settings,), daemon=True).start()


def _watch(settings: Settings) -> None:
    while True:
        time.sleep(_WATCH_SECONDS)
        build_site_of_today(settings)
        try:
            with database.db.connection_context():
                now = clock.real_now()
                kinds = (jobs, opening_jobs, operator_jobs)
                waits = any(kind.is_waiting(now=now) for kind in kinds)
        except Exception:  # noqa: S112 - the database is away for a moment: look again
            continue
        if waits:
            start_worker(settings)


def build_site_of_today(settings: Settings) -> None:
    """Start building the public site where the one that is served was built for another day: what
    is in force, and what is over, is said by the day. One that fails is begun again in an hour;
    until then the former site is served. Where none was ever built, nobody asked for one."""
    global _site, _site_begun  # one web process builds at most one at a time
    at_work = _site is not None and _site.poll() is None
    if at_work or time.monotonic() - _site_begun < _SITE_PATIENCE:
        return
    built_for = day_of(settings.public)
    if built_for is None or built_for == clock.today():
        return
    _site_begun = time.monotonic()
    _site = subprocess.Popen(
        [sys.executable, "-m", "huigong.cli", "site"],
        env=_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
