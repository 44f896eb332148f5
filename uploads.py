"""Quarantined uploads: sealed on disk under random names, measured, never served inline.

A kept file is AES-256-GCM in pieces, each bound to the file's name, its place and whether it is
the last: one cut short, put in another's place or altered does not open. The key of each file
comes from the vault and a random salt, so that a copy of the folder is worth nothing without
the office's key. It is opened in memory only, never to a file with a name.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huigong import vault
from huigong.refusals import Refused

ROSTER_LIMIT: Final = 30 * 1024 * 1024
PAPER_LIMIT: Final = 10 * 1024 * 1024
KEPT_NAME: Final = re.compile(r"[0-9a-f]{32}(\.partial)?")
_PAPERS: Final = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n")

_PIECE: Final = 1024 * 1024
_MARK: Final = b"huigong\x01"  # what a sealed file begins with; its salt follows
_SALT: Final = 16
_HEAD: Final = len(_MARK) + _SALT
_TAG: Final = 16


class Unreadable(OSError):
    """A kept file that does not open: cut short, altered, put in another's place, or lying there
    from before files were sealed."""


class Missing(Unreadable, FileNotFoundError):
    """A kept file that is gone."""


@dataclass(frozen=True)
class Kept:
    """A kept file: its random name in the store, their name for it, bytes and hash, both of what
    was uploaded."""

    file: str
    name: str
    size: int
    sha256: str


def keep(folder: Path, stream: IO[bytes], *, name: str, field: str, limit: int) -> Kept:
    """Keep an upload under a random name. Refuses an empty or too large file, keeping nothing.

    What breaks off leaves at most a `.partial`, which is swept later.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, digest, size = secrets.token_hex(16), sha256(), 0
    partial = folder / f"{file}.partial"
    with partial.open("xb") as target:
        seal = _Seal(target, file)
        for piece, is_last in _pieces(stream):
            size += len(piece)
            if size > limit:
                break
            digest.update(piece)
            seal.write(piece, is_last)
        target.flush()
        os.fsync(target.fileno())
    if not 0 < size <= limit:
        partial.unlink()
        message = f"文件超过 {limit // 1024 // 1024} MB" if size else "请选择文件，文件不能为空"
        raise Refused(field, message)
    partial.replace(folder / file)
    return Kept(file, _plain_name(name), size, digest.hexdigest())


def keep_paper(folder: Path, stream: IO[bytes], *, name: str, field: str) -> Kept:
    """Keep a paper: PDF, JPEG or PNG by its content, whatever its name says."""
    start = stream.read(8)
    stream.seek(0)
    if start and not start.startswith(_PAPERS):
        raise Refused(field, "只接受 PDF、JPG 或 PNG 文件")
    return keep(folder, stream, name=name, field=field, limit=PAPER_LIMIT)


def open_kept(folder: Path, file: str) -> BinaryIO:
    """A kept file's content, in memory that has no name; whoever asks closes it. Raises
    Unreadable, and Missing when it is gone."""
    opened = nameless()
    try:
        for piece in _opened(folder / file, file):
            opened.write(piece)
        opened.seek(0)
    except BaseException:
        opened.close()
        raise
    return opened


def digest_of(folder: Path, file: str) -> str:
    """The hash of what was uploaded, opened a piece at a time. Raises as `open_kept` does."""
    digest = sha256()
    for piece in _opened(folder / file, file):
        digest.update(piece)
    return digest.hexdigest()


def size_of(folder: Path, file: str) -> int:
    """How many bytes were uploaded, told by how many are kept. Raises Missing."""
    try:
        sealed = (folder / file).stat().st_size - _HEAD
    except FileNotFoundError as gone:
        raise Missing(f"{file} is gone") from gone
    return sealed - _TAG * -(-sealed // (_PIECE + _TAG))


def drop(folder: Path, file: str) -> None:
    """Forget a kept file, for instance when the deed it came with was refused."""
    (folder / file).unlink(missing_ok=True)


def seal_old(folder: Path) -> int:
    """Seal what lies open from before files were sealed; how many there were. Doing it again
    goes on where it broke off."""
    done = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not KEPT_NAME.fullmatch(path.name) or path.suffix or _is_sealed(path):
            continue
        partial, was = path.with_suffix(".partial"), path.stat()
        with path.open("rb") as source, partial.open("wb") as target:
            seal = _Seal(target, path.name)
            for piece, is_last in _pieces(source):
                seal.write(piece, is_last)
            target.flush()
            os.fsync(target.fileno())
        os.utime(partial, (was.st_atime, was.st_mtime))  # what nobody filed is told by its age
        partial.replace(path)
        done += 1
    return done


def _is_sealed(path: Path) -> bool:
    with path.open("rb") as kept:
        return kept.read(len(_MARK)) == _MARK


class _Seal:
    """Writes one file's pieces sealed."""

    def __init__(self, target: IO[bytes], file: str):
        salt = os.urandom(_SALT)
        self._target, self._file, self._place = target, file.encode(), 0
        self._aes = AESGCM(vault.current().file_key(salt))
        target.write(_MARK + salt)

    def write(self, piece: bytes, is_last: bool) -> None:
        nonce = _nonce(self._place, is_last)
        self._target.write(self._aes.encrypt(nonce, piece, self._file))
        self._place += 1


def _nonce(place: int, is_last: bool) -> bytes:
    """Never twice under one file's key."""
    return place.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _opened(path: Path, file: str) -> Iterator[bytes]:
    try:
        kept = path.open("rb")
    except FileNotFoundError as gone:
        raise Missing(f"{file} is gone") from gone
    with kept:
        head = kept.read(_HEAD)
        if not head.startswith(_MARK) or len(head) < _HEAD:
            raise Unreadable(f"{file} is not sealed; huigong migrate seals what lies open")
        aes = AESGCM(vault.current().file_key(head[len(_MARK) :]))
        for place, (piece, is_last) in enumerate(_pieces(kept, _PIECE + _TAG)):
            try:
                yield aes.decrypt(_nonce(place, is_last), piece, file.encode())
            except (InvalidTag, ValueError) as wrong:
                raise Unreadable(f"{file} is not what was kept under this name") from wrong


def _pieces(stream: IO[bytes], size: int = _PIECE) -> Iterator[tuple[bytes, bool]]:
    """The content in pieces of one size, each with whether it is the last; at least one."""
    piece = _filled(stream, size)
    while True:
        following = _filled(stream, size) if len(piece) == size else b""
        yield piece, not following
        if not following:
            return
        piece = following


def _filled(stream: IO[bytes], size: int) -> bytes:
    """`size` bytes, fewer only at the end."""
    found = stream.read(size)
    while found and len(found) < size and (more := stream.read(size - len(found))):
        found += more
    return found


def nameless() -> BinaryIO:
    """An empty file without a name, in memory where the system has such; its maker closes it."""
    if hasattr(os, "memfd_create"):
        return cast(BinaryIO, os.fdopen(os.memfd_create("kept"), "w+b"))
    return cast(BinaryIO, tempfile.TemporaryFile())


def _plain_name(name: str) -> str:
    """Their name for the file, without folders or control characters, at most 120 long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-120:] or "未命名"
