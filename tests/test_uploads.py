"""Kept files: sealed on disk, bound to their name, opened in memory only."""

import hashlib
import io
import os

import pytest

from huigong import uploads, vault
from huigong.refusals import Refused

MIB = 1024 * 1024
PERSON = "张三 419999198005060013"


@pytest.fixture(autouse=True)
def _unlocked(keys):
    vault.unlock(keys)


def content_of(folder, file):
    with uploads.open_kept(folder, file) as kept:
        return kept.read()


def kept(folder, content, limit=uploads.ROSTER_LIMIT):
    return uploads.keep(folder, io.BytesIO(content), name="名册.xlsx", field="file", limit=limit)


def altered(path, change):
    path.write_bytes(change(path.read_bytes()))


class Trickle(io.BytesIO):
    """A stream that gives less than it is asked for."""

    def read(self, size=-1):
        return super().read(min(size, 70_001) if size > 0 else size)


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])
def test_a_kept_file_opens_as_it_was_uploaded(tmp_path, size):
    content = os.urandom(size)
    file = uploads.keep(tmp_path, Trickle(content), name="a", field="file", limit=4 * MIB)
    assert content_of(tmp_path, file.file) == content
    with uploads.open_kept(tmp_path, file.file) as opened:
        assert opened.read() == content
    assert uploads.size_of(tmp_path, file.file) == file.size == size
    assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_nothing_of_a_kept_file_can_be_read_from_the_disk(tmp_path):
    file = kept(tmp_path, PERSON.encode() * 1000)
    (path,) = tmp_path.iterdir()
    assert path.name == file.file
    assert b"419999198005060013" not in path.read_bytes()
    assert os.stat(path).st_size < 1.1 * file.size


def test_the_same_file_kept_twice_looks_different(tmp_path):
    first, second = kept(tmp_path, b"x" * 100), kept(tmp_path, b"x" * 100)
    one, two = ((tmp_path / file.file).read_bytes()[24:] for file in (first, second))
    assert one != two


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[: 24 + MIB + 16],  # a whole piece, but not the last
        lambda sealed: sealed[:24],
        lambda sealed: sealed[:10],
        lambda sealed: b"",
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed + b"x",
        lambda sealed: sealed[: 24 + MIB + 16] + sealed[24 + 2 * (MIB + 16) :],  # one left out
        lambda sealed: b"PK\x03\x04 put there unsealed",
    ],
)
def test_what_was_cut_altered_or_never_sealed_does_not_open(tmp_path, change):
    file = kept(tmp_path, b"x" * (2 * MIB + 100))
    altered(tmp_path / file.file, change)
    with pytest.raises(uploads.Unreadable):
        content_of(tmp_path, file.file)
    with pytest.raises(uploads.Unreadable):
        uploads.open_kept(tmp_path, file.file)


def test_one_file_in_the_place_of_another_does_not_open(tmp_path):
    first, second = kept(tmp_path, b"one"), kept(tmp_path, b"two")
    os.replace(tmp_path / first.file, tmp_path / second.file)
    with pytest.raises(uploads.Unreadable):
        content_of(tmp_path, second.file)


def test_another_offices_key_opens_nothing(tmp_path):
    file = kept(tmp_path / "files", b"one")
    vault.make_key(tmp_path / "other")
    vault.unlock(tmp_path / "other")
    with pytest.raises(uploads.Unreadable):
        content_of(tmp_path / "files", file.file)


def test_a_file_that_is_gone_is_told_from_one_that_does_not_open(tmp_path):
    with pytest.raises(FileNotFoundError):
        content_of(tmp_path, "0" * 32)


@pytest.mark.parametrize(("content", "said"), [(b"", "不能为空"), (b"x" * 2 * MIB, "超过 1 MB")])
def test_what_is_empty_or_too_large_leaves_nothing(tmp_path, content, said):
    with pytest.raises(Refused, match=said):
        kept(tmp_path, content, limit=MIB)
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_breaks_off_never_bears_a_kept_files_name(tmp_path):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        uploads.keep(tmp_path, Broken(), name="a", field="file", limit=MIB)
    assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]


def test_files_from_before_sealing_are_sealed_in_place_and_keep_their_age(tmp_path):
    old, sealed = tmp_path / ("a" * 32), kept(tmp_path, b"sealed already")
    old.write_bytes(PERSON.encode())
    (tmp_path / "note.txt").write_text("not ours")
    (tmp_path / f"{'b' * 32}.partial").write_bytes(b"broken off")
    os.utime(old, (1000, 1000))
    assert uploads.seal_old(tmp_path) == 1
    assert uploads.seal_old(tmp_path) == 0
    assert PERSON.encode() not in old.read_bytes()
    assert content_of(tmp_path, old.name) == PERSON.encode()
    assert old.stat().st_mtime == 1000
    assert content_of(tmp_path, sealed.file) == b"sealed already"
    assert (tmp_path / "note.txt").read_text() == "not ours"


def test_an_opened_file_has_no_name_on_the_disk(tmp_path):
    file = kept(tmp_path, b"one")
    with uploads.open_kept(tmp_path, file.file) as opened:
        target = os.readlink(f"/proc/self/fd/{opened.fileno()}")
        assert "memfd" in target or "(deleted)" in target
    assert [path.name for path in tmp_path.iterdir()] == [file.file]
