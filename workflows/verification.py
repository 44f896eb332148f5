"""Verification: what the office remembers must agree with itself. Only reads."""

from hashlib import sha256
from pathlib import Path

from huigong import uploads
from huigong.models import AuditEvent, Document, Edition, UnitApplication
from huigong.workflows import agreement, audit, caps, schemes


def findings(files: Path, *, head: str | None = None) -> list[str]:
    """Everything that does not agree, in Chinese sentences; none when all is well. `head` is the
    hash of an event that was noted elsewhere earlier and must still be in the chain."""
    found = [f"操作记录第 {number} 条与前后不相连" for number in audit.broken_links()]
    if head and not AuditEvent.select().where(AuditEvent.hash == head).exists():
        found.append(f"操作记录中没有以前记下的摘要 {head}：记录被截断或替换过")
    found += [wrong for edition in Edition.select() if (wrong := schemes.damage(edition))]
    found += agreement.disagreements() + caps.awards_beyond_caps()
    return found + _papers(files)


def _papers(files: Path) -> list[str]:
    """Papers that the database names and the store lacks or holds altered."""
    found = []
    for paper in Document.select().iterator():
        said = _wrong_with(files, paper.file, paper.sha256)
        if said:
            found.append(f"申领材料 {paper.id} 的{said}")
    for application in UnitApplication.select().iterator():
        said = _wrong_with(files, application.proof, "")
        if said:
            found.append(f"单位登记申请 {application.id} 的{said}")
    return found


def _wrong_with(files: Path, file: str, digest: str) -> str:
    try:
        content = uploads.read_kept(files, file)
    except FileNotFoundError:
        return "文件不在"
    except uploads.Unreadable:
        return "文件被改动过，打不开"
    return "文件被改动过" if digest and sha256(content).hexdigest() != digest else ""
