"""Encrypted fields, the blind index, and the keys, which live outside the database.

A sealed value is AES-256-GCM bound to its table, column and row: copied elsewhere it does
not open. Each row carries a random `ref` made before it is stored, so that sealing needs no
database. The blind index is a keyed hash of the normalized value: equal values can be found,
and nothing can be read back.
"""

import hmac
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huigong.refusals import StartRefused

KEY_FILE = "huigong.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_REF_BYTES = 10
_DRAWN = 256  # how many are drawn at once


class Vault:
    """One office's keys, derived from its one secret."""

    def __init__(self, secret: bytes):
        self._aes = AESGCM(self._derive(secret, b"sealed fields"))
        self._index_key = self._derive(secret, b"blind index")
        self._files_key = self._derive(secret, b"kept files")
        self.cookie_key = self._derive(secret, b"cookies")

    @staticmethod
    def _derive(secret: bytes, purpose: bytes) -> bytes:
        return hmac.digest(secret, b"huigong/1/" + purpose, sha256)

    def seal(self, text: str, *, table: str, column: str, row: str) -> bytes:
        """Encrypt one field of one row. An empty text stays empty: there is nothing to hide."""
        if not text:
            return b""
        nonce = os.urandom(_NONCE_BYTES)
        place = f"{table}.{column}.{row}".encode()
        return nonce + self._aes.encrypt(nonce, text.encode(), place)

    def sealing(self, *, table: str, column: str) -> Callable[[str, str], bytes]:
        """`seal` for one column of many rows: a function of the text and the row."""
        encrypt, place = self._aes.encrypt, f"{table}.{column}.".encode()
        nonces = _drawn(_NONCE_BYTES)

        def seal(text: str, row: str) -> bytes:
            if not text:
                return b""
            nonce = next(nonces)
            return nonce + encrypt(nonce, text.encode(), place + row.encode())

        return seal

    def opening(self, *, table: str, column: str) -> Callable[[bytes, str], str]:
        """`open` for one column of many rows: a function of the sealed value and the row."""
        decrypt, place = self._aes.decrypt, f"{table}.{column}.".encode()

        def open_one(sealed: bytes, row: str) -> str:
            if not sealed:
                return ""
            text = bytes(sealed)
            try:
                nonce, sealed_text = text[:_NONCE_BYTES], text[_NONCE_BYTES:]
                return decrypt(nonce, sealed_text, place + row.encode()).decode()
            except InvalidTag as wrong:
                raise Damaged(f"{table}.{column} does not open with this office's key") from wrong

        return open_one

    def open(self, sealed: bytes | memoryview, *, table: str, column: str, row: str) -> str:
        """Decrypt one field of one row. Raises Damaged when it was sealed for another place."""
        sealed = bytes(sealed)
        if not sealed:
            return ""
        place = f"{table}.{column}.{row}".encode()
        try:
            return self._aes.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place).decode()
        except InvalidTag as wrong:
            raise Damaged(f"{table}.{column} does not open with this office's key") from wrong

    def file_key(self, salt: bytes) -> bytes:
        """The key of one kept file, by the random salt it begins with."""
        return hmac.digest(self._files_key, salt, sha256)

    def index(self, text: str, *, kind: str) -> str:
        """The blind index of a normalized value; `kind` keeps ID and phone apart. 32 hex."""
        return hmac.digest(self._index_key, f"{kind}:{text}".encode(), sha256)[:16].hex()

    def indexing(self, *, kind: str) -> Callable[[str], str]:
        """`index` for many values of a kind."""
        key, digest, said = self._index_key, hmac.digest, f"{kind}:".encode()

        def index(text: str) -> str:
            return digest(key, said + text.encode(), "sha256")[:16].hex()

        return index


class Damaged(Exception):
    """A sealed value was altered, moved, or sealed under another key."""


_copies = 0  # how often the process that this one is was copied before it came to be


def _is_copied() -> None:
    global _copies  # one process, one count
    _copies += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_is_copied)


def _drawn(size: int) -> Iterator[bytes]:
    """Random bytes without end, drawn for many at once. A copy of this process draws its own:
    what seals is never used twice."""
    while True:
        many, copies = os.urandom(size * _DRAWN), _copies
        for place in range(0, len(many), size):
            if copies != _copies:
                break
            yield many[place : place + size]


def new_ref() -> str:
    """A row reference nobody can guess, 32 hex: the moment, then 80 random bits. Made one after
    the other they sort so, and an index of many is filled at its end."""
    return f"{time.time_ns() >> 20:012x}{os.urandom(_REF_BYTES).hex()}"


def new_refs() -> Iterator[str]:
    """`new_ref` without end."""
    for random in _drawn(_REF_BYTES):
        yield f"{time.time_ns() >> 20:012x}{random.hex()}"


def make_key(keys: Path) -> None:
    """Write a new secret; refuses to replace one, for then nothing sealed would open again."""
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (keys / KEY_FILE).exists():
        raise StartRefused(f"密钥文件 {KEY_FILE} 已存在，不会覆盖。")
    handle, name = tempfile.mkstemp(dir=keys)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, keys / KEY_FILE)


def read_vault(keys: Path) -> Vault:
    """Open the office's keys. Raises StartRefused for a missing or weak one."""
    try:
        text = (keys / KEY_FILE).read_text().strip()
    except OSError as wrong:
        raise StartRefused(
            f"读不到密钥文件 {KEY_FILE}：请把 HUIGONG_KEYS 设为密钥所在的目录；"
            "新办公室请先运行 huigong init。"
        ) from wrong
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) < _KEY_BYTES or len(set(secret)) < 8:
        raise StartRefused(
            f"密钥文件 {KEY_FILE} 过弱或已损坏：应为 64 位十六进制随机数，请从备份恢复。"
        )
    return Vault(secret)


_opened: Vault | None = None


def unlock(keys: Path) -> Vault:
    """Open the keys for this process."""
    global _opened  # one process serves one office
    _opened = read_vault(keys)
    return _opened


def current() -> Vault:
    """This process's keys. A process that never unlocked them cannot read a field."""
    if _opened is None:
        raise StartRefused("密钥尚未打开。")
    return _opened
