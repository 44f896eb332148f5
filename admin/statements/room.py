"""The blueprint of bank statements and the words their screens share."""

from flask import Blueprint

from huigong.models import Role

statements = Blueprint("statements", __name__, url_prefix="/admin/statements")

READERS = (Role.FINANCE, Role.AUDITOR)
STAGES = {
    "kept": ("待导入", "wait"),
    "imported": ("已导入", "good"),
    "withdrawn": ("已撤回", "done"),
    "dropped": ("未导入，已删去", "done"),
}
LINE_STAGES = {
    "open": ("待处理", "wait"),
    "settled": ("已处理", "good"),
    "withdrawn": ("已撤回", "done"),
}
MOST_AT_ONCE = 200  # lines looked at for one bulk confirmation
