"""The demonstration's claims, one or more in every stage, and a released payout batch."""

import io
import zlib
from datetime import date, datetime, timedelta
from pathlib import Path

from huigong import uploads
from huigong.demo.staff import Cast
from huigong.models import Claim, Enrollment
from huigong.uploads import Kept
from huigong.workflows import claims, payouts

HOSPITAL = "示例市第一人民医院（演示）"
PAPERS = ("医保结算单", "出院小结")
ZHENGZHOU = ("zzclerk", "zzreviewer", "zzreviewer2")  # who files, reviews and decides

# in_scope, out_of_catalogue, pooled in yuan; place; first day; nights; how far the claim has come
CASES = (
    (8_260_40, 1_204_00, 31_870_10, "local", date(2023, 9, 4), 9, "paid"),
    (15_431_00, 6_020_00, 72_300_00, "away", date(2023, 11, 20), 16, "paid"),
    (3_905_75, 312_50, 9_481_25, "local", date(2024, 1, 8), 6, "approved"),
    (21_760_00, 9_410_00, 88_120_00, "local", date(2024, 2, 26), 21, "approved"),
    (6_482_30, 530_00, 18_904_70, "away", date(2024, 3, 11), 8, "reviewed"),
    (2_118_00, 95_00, 5_377_00, "local", date(2024, 4, 2), 5, "reviewed"),
    (4_750_60, 1_130_00, 12_660_40, "local", date(2024, 4, 22), 7, "filed"),
    (11_039_90, 2_480_00, 40_118_10, "away", date(2024, 5, 13), 12, "filed"),
    (1_602_00, 60_00, 4_100_00, "local", date(2024, 5, 27), 4, "returned"),
    (980_00, 4_015_00, 2_205_00, "local", date(2024, 6, 17), 3, "refused"),
)


def fall_ill(cast: Cast, folder: Path) -> None:
    """File the cases for people of the first unit and carry each as far as it goes."""
    covered = Enrollment.select().where(Enrollment.organization == cast.unit("machinery"))
    for case, enrollment in zip(CASES, covered.order_by(Enrollment.id), strict=False):
        carry(cast, folder, enrollment, case, ZHENGZHOU)
    _pay(cast)


def carry(
    cast: Cast,
    folder: Path,
    enrollment: Enrollment,
    case: tuple,  # type: ignore[type-arg]
    people: tuple[str, str, str],
) -> None:
    """File one case and carry it as far as it goes, by the people with these logins."""
    in_scope, outside, pooled, place, first, nights, goal = case
    last = first + timedelta(days=nights)
    at = morning(last + timedelta(days=20))
    stay = {
        "hospital": HOSPITAL,
        "place": place,
        "hospital_level": 3,
        "admitted": first,
        "discharged": last,
        "total": in_scope + outside + pooled,
        "pooled": pooled,
        "in_scope": in_scope,
        "out_of_catalogue": outside,
        "cash": in_scope + outside,
    }
    claim = claims.file_claim(
        enrollment=enrollment,
        event=None,
        stays=[stay],
        papers=_papers(folder),
        by=cast.users[people[0]],
        at=at,
    )
    if goal == "returned":
        claims.return_claim(
            claim,
            reason="结算单缺少医院盖章，请补盖后重新上传",
            missing=["费用清单"],
            by=cast.users[people[1]],
            at=at + timedelta(days=2),
        )
    elif goal != "filed":
        _judge(cast, claim, goal, at, people)


def _judge(cast: Cast, claim: Claim, goal: str, at: datetime, people: tuple[str, str, str]) -> None:
    reviewed_at, decided_at = at + timedelta(days=2), at + timedelta(days=4)
    claims.review_claim(claim, note="材料齐全", by=cast.users[people[1]], at=reviewed_at)
    if goal == "reviewed":
        return
    refused = goal == "refused"
    claims.decide_claim(
        claim,
        verdict="refuse" if refused else "approve",
        amount=None,
        reason="演示：本次住院费用已由工伤保险支付" if refused else "",
        by=cast.users[people[2]],
        at=decided_at,
    )


def _pay(cast: Cast) -> None:
    paid = Claim.select().where(Claim.stage == "approved").order_by(Claim.id).limit(2)
    at = morning(date(2024, 3, 1))
    batch = payouts.make_batch(
        claims=list(paid), organization=cast.city("zhengzhou"), by=cast.users["zzfinance"], at=at
    )
    payouts.release_batch(batch, by=cast.users["zzfinance2"], at=at + timedelta(days=1))


def morning(day: date) -> datetime:
    """When on a day the demonstration's people did their work."""
    return datetime(day.year, day.month, day.day, 9)  # noqa: DTZ001 Beijing time, as stored


def _papers(folder: Path) -> list[tuple[str, Kept]]:
    return [
        (
            kind,
            uploads.keep_paper(
                folder, io.BytesIO(a_paper()), name=f"演示{kind}.png", field="papers"
            ),
        )
        for kind in PAPERS
    ]


def a_paper() -> bytes:
    """A blank grey picture where a scan would be: a demonstration holds nobody's papers."""

    def part(kind: bytes, body: bytes) -> bytes:
        return (
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        )

    width, height = 60, 84
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    pixels = zlib.compress((b"\x00" + b"\xe0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
