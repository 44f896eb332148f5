"""The blueprint of the operator's files, who may do what with them, and the words they share."""

from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app

from huigong.access import holds
from huigong.models import OperatorFile, Role, Scheme

operator = Blueprint("operator", __name__, url_prefix="/admin")

SENDERS = (Role.REVIEWER, Role.FINANCE, Role.ADMINISTRATOR)
READERS = (*SENDERS, Role.AUDITOR)
# Claims say who was ill of what: an administrator handles people's cover, not these.
MAY_SEND = {"covers": SENDERS, "claims": (Role.REVIEWER, Role.FINANCE)}
MAY_READ = {"covers": READERS, "claims": (Role.REVIEWER, Role.FINANCE, Role.AUDITOR)}
MAY_TAKE = {"covers": SENDERS, "claims": (Role.FINANCE,)}  # what is paid is booked by it
KINDS = {"covers": "参保", "claims": "申领"}
STAGES = {
    "writing": ("正在生成", "wait"),
    "unwritten": ("没有生成", "done"),
    "reading": ("正在核对", "wait"),
    "unread": ("没有采用", "done"),
    "sent": ("已送出", "done"),
    "kept": ("待登记", "wait"),
    "taken": ("已登记", "good"),
    "dropped": ("未登记", "done"),
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def only(roles: dict[str, tuple[Role, ...]], kind: str, place: Any) -> None:
    """404 but for those who hold one of the roles for this kind at whoever runs the scheme: those
    below only see that the scheme exists."""
    if kind not in KINDS or not holds(*roles[kind], at=place):
        abort(404)


def run_here(scheme: Scheme, kind: str, roles: dict[str, tuple[Role, ...]]) -> Scheme:
    """A scheme that the signed-in user's own level runs."""
    only(roles, kind, scheme.organization)
    return scheme


def handled_here(file: OperatorFile, roles: dict[str, tuple[Role, ...]]) -> OperatorFile:
    """A file of a scheme that the signed-in user's own level runs."""
    only(roles, file.kind, file.organization)
    return file


def folder() -> Path:
    """Where kept files lie."""
    return current_app.config["SETTINGS"].files  # type: ignore[no-any-return]
