"""Quarantined uploads: kept under random names, measured, never served inline."""

import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from huigong.refusals import Refused

ROSTER_LIMIT = 30 * 1024 * 1024
PAPER_LIMIT = 10 * 1024 * 1024
_CHUNK = 1024 * 1024
_PAPERS = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n": "png"}


@dataclass(frozen=True)
class Kept:
    """A kept file: its random name in the store, their name for it, bytes and hash."""

    file: str
    name: str
    size: int
    sha256: str


def keep(folder: Path, stream: IO[bytes], *, name: str, field: str, limit: int) -> Kept:
    """Keep an upload under a random name. Refuses an empty or too large file, keeping nothing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, digest, size = secrets.token_hex(16), sha256(), 0
    target = folder / file
    with target.open("xb") as kept:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                break
            digest.update(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    if not 0 < size <= limit:
        target.unlink()
        message = f"文件超过 {limit // 1024 // 1024} MB" if size else "请选择文件，文件不能为空"
        raise Refused(field, message)
    return Kept(file, _plain_name(name), size, digest.hexdigest())


def keep_paper(folder: Path, stream: IO[bytes], *, name: str, field: str) -> Kept:
    """Keep a paper: PDF, JPEG or PNG by its content, whatever its name says."""
    kept = keep(folder, stream, name=name, field=field, limit=PAPER_LIMIT)
    if not is_paper(folder / kept.file):
        drop(folder, kept.file)
        raise Refused(field, "只接受 PDF、JPG 或 PNG 文件")
    return kept


def is_paper(path: Path) -> bool:
    """Whether a file is a PDF, JPEG or PNG by its first bytes."""
    with path.open("rb") as file:
        start = file.read(8)
    return any(start.startswith(magic) for magic in _PAPERS)


def drop(folder: Path, file: str) -> None:
    """Forget a kept file, for instance when the deed it came with was refused."""
    (folder / file).unlink(missing_ok=True)


def _plain_name(name: str) -> str:
    """Their name for the file, without folders or control characters, at most 120 long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-120:] or "未命名"
