"""Files for a scheme's operator: covers and claims out, its answers back and decided."""

from huigong.admin.operator import answers, replies, sending  # noqa: F401 they add the views
from huigong.admin.operator.replies import waiting
from huigong.admin.operator.room import operator

__all__ = ["operator", "waiting"]
