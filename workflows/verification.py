"""Verification: what the office remembers must agree with itself. Only reads."""

from hashlib import sha256
from pathlib import Path

from huigong.models import AuditEvent, Document, Edition, UnitApplication
from huigong.workflows import agreement, audit, schemes


def findings(files: Path, *, head: str | None = None) -> list[str]:
    """Everything that does not agree, in Chinese sentences; none when all is well. `head` is the
    hash of an event that was noted elsewhere earlier and must still be in the chain."""
    found = [f"操作记录第 {number} 条与前后不相连" for number in audit.broken_links()]
    if head and not AuditEvent.select().where(AuditEvent.hash == head).exists():
        found.append(f"操作记录中没有以前记下的摘要 {head}：记录被截断或替换过")
    found += [wrong for edition in Edition.select() if (wrong := schemes.damage(edition))]
    return found + agreement.disagreements() + _papers(files)


def _papers(files: Path) -> list[str]:
    """Papers that the database names and the store lacks or holds altered."""
    found = []
    for paper in Document.select().iterator():
        kept = files / paper.file
        if not kept.is_file():
            found.append(f"申领材料 {paper.id} 的文件不在")
        elif sha256(kept.read_bytes()).hexdigest() != paper.sha256:
            found.append(f"申领材料 {paper.id} 的文件被改动过")
    for application in UnitApplication.select().iterator():
        if not (files / application.proof).is_file():
            found.append(f"单位登记申请 {application.id} 的证明不在")
    return found
