"""The papers of a claim: kept with it, read under record, and swept when nobody filed them."""

from datetime import datetime, timedelta
from pathlib import Path

from peewee import TextField

from huigong import clock, uploads
from huigong.database import writes
from huigong.models import TABLES, Claim, Document, User
from huigong.uploads import Kept
from huigong.workflows import audit

ABANDONED_AFTER = timedelta(days=7)


def keep_papers(
    claim: Claim, papers: list[tuple[str, Kept]], *, by: User, at: datetime
) -> list[str]:
    """Keep the papers' rows, inside the caller's transaction; the very same file of the same
    kind is kept once. Which kinds were added."""
    there = {(row.kind, row.sha256) for row in Document.select().where(Document.claim == claim)}
    added = []
    for kind, kept in papers:
        if (kind, kept.sha256) in there:
            continue
        there.add((kind, kept.sha256))
        added.append(kind)
        Document.create(
            organization=claim.organization,
            claim=claim,
            kind=kind,
            name=kept.name,
            file=kept.file,
            size=kept.size,
            sha256=kept.sha256,
            by=by,
            at=at,
        )
    return added


@writes
def read_paper(paper: Document, *, by: User, at: datetime) -> None:
    """Record that a claim's paper is handed to `by`."""
    place, number = paper.organization, paper.claim.number
    audit.record("read paper", by=by, at=at, on=paper, organization=place, detail=number)


def sweep_papers(folder: Path, older_than: datetime, *, at: datetime) -> int:
    """Remove kept files that no row names and that came before a moment (real time, in
    Beijing): forms begun and never sent, uploads that broke off. How many went.

    Any column called `file` or `proof` keeps one, whichever table it stands in.
    """
    if not folder.is_dir():
        return 0
    old = [
        path
        for path in sorted(folder.iterdir())
        if uploads.KEPT_NAME.fullmatch(path.name)
        and datetime.fromtimestamp(path.stat().st_mtime, clock.BEIJING).replace(tzinfo=None)
        < older_than
    ]
    orphans = [path for path in old if not _named(path.name)]
    return _sweep(folder, orphans, at=at) if orphans else 0  # nothing to do waits for no writer


@writes
def _sweep(folder: Path, found: list[Path], *, at: datetime) -> int:
    orphans = [path for path in found if not _named(path.name)]
    for path in orphans:
        uploads.drop(folder, path.name)
    if orphans:
        audit.record("sweep papers", by=None, at=at, detail=f"{len(orphans)} 份")
    return len(orphans)


def _named(file: str) -> bool:
    """Whether any row of the office names a kept file."""
    columns = [
        (model, field)
        for model in TABLES
        for field in model._meta.sorted_fields
        if isinstance(field, TextField) and field.name in ("file", "proof")
    ]
    return any(model.select().where(field == file).exists() for model, field in columns)
