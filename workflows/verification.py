"""Verification: what the office remembers must agree with itself. Only reads."""

from pathlib import Path

from huigong.models import AuditEvent, Edition
from huigong.workflows import agreement, audit, caps, keeping, schemes


def findings(files: Path, *, head: str | None = None) -> list[str]:
    """Everything that does not agree, in Chinese sentences; none when all is well. `head` is the
    hash of an event that was noted elsewhere earlier and must still be in the chain."""
    return of_records(head=head) + keeping.examine(files).found


def of_records(*, head: str | None = None) -> list[str]:
    """What does not agree among the rows, whatever the kept files are."""
    found = [f"操作记录第 {number} 条与前后不相连" for number in audit.broken_links()]
    if head and not AuditEvent.select().where(AuditEvent.hash == head).exists():
        found.append(f"操作记录中没有以前记下的摘要 {head}：记录被截断或替换过")
    found += [wrong for edition in Edition.select() if (wrong := schemes.damage(edition))]
    return found + agreement.disagreements() + caps.awards_beyond_caps()
