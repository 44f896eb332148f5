"""What the jobs of a process of its own have in common, whatever they are about.

A job is a row. Whoever works holds it by a name and a fresh beat; when the process is gone, the
beat grows old and the next one takes the job over. `now` is the true moment, also where the
office's day is fixed.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from huigong.database import writes
from huigong.refusals import Lost

STALE: Final = timedelta(seconds=20)  # without a beat: whoever had it is gone
TRIES: Final = 3
GIVEN_UP: Final = "处理多次中断：请重新上传或再批准一次，仍不行请联系管理员"


class Stopped(Exception):
    """Somebody asked to stop; what was done so far counts for nothing."""


def free(job: Any, now: datetime) -> Any:
    """The condition that one of these jobs waits for a worker."""
    unheld = (job.worker == "") | (job.beat_at < now - STALE)
    return (job.refused == "") & unheld


@writes
def take(job: Any, worker: str, waits: Any, *, now: datetime, given_up: str = GIVEN_UP) -> Any:
    """Take up the oldest of the jobs that wait, or None. One that broke off three times is given
    up."""
    spent = job.update(refused=given_up, worker="")
    spent.where(waits, job.tries >= TRIES).execute()
    found = job.select().where(waits).order_by(job.id).first()
    if found is not None:
        held = {"worker": worker, "beat_at": now, "tries": found.tries + 1}
        job.update(**held).where(job.id == found.id).execute()
        for name, value in held.items():
            setattr(found, name, value)
    return found


@writes
def beat(held: Any, *, worker: str, phase: str, done: int, total: int, now: datetime) -> None:
    """Say how far a job is, with no phase only that it is being done. Raises Stopped when somebody
    asked for that, and Lost when another worker has it or its matter went another way."""
    job = type(held)
    progress = {"done": done, "total": total, "phase": phase} if phase else {}
    mine = job.update(beat_at=now, **progress)
    if not mine.where(job.id == held.id, job.worker == worker).execute():
        raise Lost(f"{job.__name__} {held.id} is another worker's")
    if job.select().where(job.id == held.id, job.cancelled).exists():
        raise Stopped
