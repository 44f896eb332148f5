"""Work on a big roster stopped on request."""

from typing import Any

from flask import current_app, flash, g, redirect, render_template, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.background import may_stop, work_of
from huigong.admin.enrollment import enrollment
from huigong.models import Role, Roster
from huigong.workflows import enrollment as deeds
from huigong.workflows.enrollment import jobs


@enrollment.get("/rosters/<int:id>/stop")
@allow(Role.CLERK, Role.REVIEWER, on=Roster)
def stop(id: int) -> Any:
    roster = find(Roster, id)
    return render_template("admin/enrollment/stop.html", roster=roster, **work_of(roster))


@enrollment.post("/rosters/<int:id>/stop")
@allow(Role.CLERK, Role.REVIEWER, on=Roster)
def stop_now(id: int) -> Any:
    roster = find(Roster, id)
    job = deeds.job_of(roster)
    if job is not None and may_stop(job, roster):
        deeds.stop(roster, by=g.user, at=clock.now(), now=clock.real_now())
        jobs.drop_unread(current_app.config["SETTINGS"].files)
        flash("已要求停止，几秒内生效")
    return redirect(url_for("enrollment.page", id=id), 303)
