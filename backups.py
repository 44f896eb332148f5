"""Backups of an office: written beside, verified, synced, then put in place. Never the keys.

On SQLite the copy is taken online, page by page, from a running office. A PostgreSQL database is
its own server's to back up (pg_dump); this module says so instead of pretending.
"""

import json
import os
import shutil
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import apsw

from huigong.config import DEMO_MARK, Settings
from huigong.refusals import StartRefused

DATABASE = "huigong.db"
FILES = "files"
MANIFEST = "manifest.json"
_STEP_PAGES = 2_000


def default_place(settings: Settings, now: datetime, why: str = "backup") -> Path:
    """A new directory's path in the instance, named by the moment."""
    return settings.home / "backups" / f"{why}-{now:%Y%m%d-%H%M%S}"


def make(settings: Settings, out: Path, *, now: datetime) -> Path:
    """Back the office up into the new directory `out`: database, kept files, manifest.

    Raises StartRefused on PostgreSQL, when `out` exists, and when the copy is not whole.
    """
    source = _sqlite_file(settings, "备份")
    if out.exists():
        raise StartRefused(f"{out} 已存在：备份总是写到新目录，不覆盖旧的。")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        _copy_database(source, partial / DATABASE)
        _copy_files(settings.files, partial / FILES)
        _write_manifest(partial, now=now, is_demo=settings.is_demo)
        _sync_tree(partial)
        partial.rename(out)
    except (apsw.Error, OSError) as wrong:
        raise StartRefused(f"备份没有完成（{wrong}）：请检查数据库文件和磁盘空间。") from wrong
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _sync_folder(out.parent)
    return out


def restore(settings: Settings, folder: Path, *, now: datetime) -> Path | None:
    """Put a backup in the instance's place; what was there is kept aside and its place returned.

    Everything is copied and verified before the first rename. Stop the office first. Raises
    StartRefused for what is no whole backup, and on PostgreSQL.
    """
    target = _sqlite_file(settings, "恢复")
    manifest = check(folder)
    staged = settings.home / f".restoring-{now:%Y%m%d-%H%M%S}"
    shutil.rmtree(staged, ignore_errors=True)
    try:
        shutil.copytree(folder, staged)
        _sync_tree(staged)
        (staged / FILES).mkdir(exist_ok=True)
        aside = _put_aside(settings, target, now)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / DATABASE, target)
        os.replace(staged / FILES, settings.files)
        mark = settings.home / DEMO_MARK
        mark.touch() if manifest["is_demo"] else mark.unlink(missing_ok=True)
        _sync_folder(settings.home)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return aside


def check(folder: Path) -> dict:
    """The manifest of a whole backup. Raises StartRefused when anything in it is missing, added
    or altered, or its database does not hold together."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        named = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise StartRefused(f"{folder} 不是完整的备份：读不到清单 {MANIFEST}。") from wrong
    if named != _digests(folder):
        raise StartRefused(f"{folder} 中的文件与清单不符：可能已损坏或被改动，没有恢复任何内容。")
    _check_whole(folder / DATABASE)
    return manifest


def _sqlite_file(settings: Settings, deed: str) -> Path:
    if settings.sqlite_path is None:
        raise StartRefused(
            f"PostgreSQL 的{deed}请用数据库自己的工具（pg_dump / pg_restore），"
            f"并另行{deed} {settings.files}；huigong 只{deed} SQLite。"
        )
    return settings.sqlite_path


def _copy_database(source: Path, target: Path) -> None:
    if not source.is_file():
        raise StartRefused(f"没有数据库文件 {source}：新办公室请先运行 huigong init。")
    read = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    written = apsw.Connection(str(target))
    try:
        read.set_busy_timeout(15_000)
        with written.backup("main", read, "main") as copying:
            while not copying.done:
                copying.step(_STEP_PAGES)
        written.execute("PRAGMA journal_mode = DELETE").fetchall()
    finally:
        written.close()
        read.close()
    _check_whole(target)


def _check_whole(database: Path) -> None:
    try:
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            answer = connection.execute("PRAGMA integrity_check(3)").fetchall()
        finally:
            connection.close()
    except apsw.Error as wrong:
        raise StartRefused(f"数据库 {database.name} 已损坏（{wrong}）：请用更早的备份。") from wrong
    if answer != [("ok",)]:
        first = str(answer[0][0]).replace("\n", " ")[:120]
        raise StartRefused(f"数据库没有通过完整性检查（{first}）：请用更早的备份。")


def _copy_files(source: Path, target: Path) -> None:
    """The kept files. They are only ever added, so those the copied database names are there."""
    target.mkdir(mode=0o700)
    for file in sorted(source.iterdir()) if source.is_dir() else []:
        if file.is_file():
            try:
                shutil.copy2(file, target / file.name)
            except FileNotFoundError:
                continue  # a refused upload, forgotten meanwhile


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name != MANIFEST:
            with file.open("rb") as stream:
                digest = sha256()
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
            found[name] = digest.hexdigest()
    return found


def _write_manifest(folder: Path, *, now: datetime, is_demo: bool) -> None:
    manifest = {"made_at": now.isoformat(), "is_demo": is_demo, "files": _digests(folder)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False))


def _put_aside(settings: Settings, target: Path, now: datetime) -> Path | None:
    """Move the present database, its journals and the kept files out of the way."""
    olds = [target, *(target.with_name(target.name + end) for end in ("-wal", "-shm", "-journal"))]
    olds = [old for old in [*olds, settings.files] if old.exists()]
    if not olds:
        return None
    aside = settings.home / f"before-restore-{now:%Y%m%d-%H%M%S}"
    aside.mkdir(parents=True, mode=0o700)
    for old in olds:
        os.replace(old, aside / old.name)
    return aside


def _sync_tree(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        _sync_folder(path)


def _sync_folder(path: Path) -> None:
    """Make a file or a folder's entries durable."""
    if os.name == "nt" and path.is_dir():
        return  # Windows does not open folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
