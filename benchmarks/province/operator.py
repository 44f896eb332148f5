"""Files that went to the schemes' operators and came back, with the claims in them."""

from __future__ import annotations

from benchmarks.province.filling import insert
from benchmarks.province.shape import CITY_IDS, NOW, TODAY, Shape
from huigong import models

_FIRST, _EACH = 40, 100  # claims in a city's first file, and at most in one of its others
_FULL = 30  # files of claims that, with their answers, fill a page
_MONTHS = 24  # of covers, sent and answered


def fill_operator(shape: Shape) -> None:
    """A file of covers and its answer each month; the claims paid were sent, a hundred a file or,
    in a small office, fewer, and answered. The first file's answers wait for somebody."""
    files: list[tuple[object, ...]] = []
    sendings: list[tuple[object, ...]] = []
    replies: list[tuple[object, ...]] = []

    def filed(city: int, kind: str, way: str, rows: int) -> int:
        id, stage = len(files) + 1, "sent" if way == "out" else "taken"
        scheme = shape.scheme_of[shape.editions[city][0]]
        files.append((id, city, scheme, f"CB2024-{id:06d}", kind, way, stage, f"o{id}",
                      "承办方.xlsx", rows, rows * 100_00, 2, NOW))  # fmt: skip
        return id

    for city in CITY_IDS:
        sent = [row[0] for row in shape.claims
                if row[4] == "paid" and shape.city_of[row[2]] == city]  # fmt: skip
        each = max(1, min(_EACH, (len(sent) - _FIRST) // _FULL))
        for start in [0, *range(_FIRST, len(sent), each)]:
            claims = sent[start : start + (each if start else _FIRST)]
            ids = [filed(city, "claims", way, len(claims)) for way in ("out", "back")]
            stage, open_one = ("paid", False) if start else ("sent", True)
            for number, claim in enumerate(claims, 1):
                n = len(sendings) + 1
                sendings.append((n, city, ids[0], claim, "approved", 100_00, stage))
                kind = "refused" if open_one and n % 2 else "paid"
                replies.append((n, city, n, ids[1], number, kind, 100_00, f"r{n}", TODAY, f"k{n}",
                                "open" if open_one else "done"))  # fmt: skip
        for _ in range(_MONTHS):
            for way in ("out", "back"):
                filed(city, "covers", way, 50)
    insert(models.OperatorFile, "id organization scheme number kind way stage file file_name "
           "rows amount by at", files)  # fmt: skip
    insert(models.ClaimSending, "id organization file claim was amount stage", sendings)
    insert(models.OperatorReply, "id organization sending file number kind amount serial paid_on "
           "key stage", replies)  # fmt: skip
