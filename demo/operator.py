"""The demonstration's claims at an insurer: sent for it to pay, and what it answers."""

from datetime import date
from pathlib import Path
from typing import Any

from huigong.demo.sickness import carry, morning
from huigong.demo.staff import Cast
from huigong.models import Claim, ClaimSending, Decision, Edition, Enrollment
from huigong.money import plain
from huigong.sheets import Column, write_workbook
from huigong.workflows import operator

ANYANG = ("ayclerk", "ayreviewer", "ayreviewer2")
SENT_ON = date(2024, 12, 9)
ANSWER = "演示承办方回执-四件.xlsx"
LESS = 200_00  # fen by which the insurer pays one of them short

# in_scope, out_of_catalogue, pooled in yuan; place; first day; nights; how far it has come: four
# that went to the insurer, in the order of its answer, and one that waits to be sent
CASES = (
    (5_240_00, 610_00, 14_380_00, "local", date(2024, 9, 2), 7, "approved"),
    (12_900_00, 2_205_00, 41_066_00, "local", date(2024, 9, 16), 13, "approved"),
    (2_460_00, 180_00, 6_031_00, "local", date(2024, 10, 8), 5, "approved"),
    (7_715_00, 940_00, 22_470_00, "local", date(2024, 10, 21), 9, "approved"),
)
LATER = (3_380_00, 255_00, 8_894_00, "local", date(2024, 11, 11), 6, "approved")


def send_claims(cast: Cast, folder: Path) -> None:
    """Four decided claims of the unit in Anyang with the insurer, and a fifth not sent yet."""
    covered = Enrollment.select().where(Enrollment.organization == cast.unit("granary"))
    people = list(covered.order_by(Enrollment.id).limit(len(CASES) + 1))
    for case, enrollment in zip(CASES, people, strict=False):
        carry(cast, folder, enrollment, case, ANYANG)
    scheme = Edition.get(Edition.code == "anyang-hospital-2019").scheme
    sender, at = cast.users["ayreviewer"], morning(SENT_ON)
    operator.send_claims(scheme, was="approved", folder=folder, by=sender, at=at)
    carry(cast, folder, people[-1], LATER, ANYANG)


def write_answer(folder: Path) -> None:
    """What the insurer answers: one paid as decided, one paid short, one refused, and one whose
    papers are not enough."""
    folder.mkdir(parents=True, exist_ok=True)
    sent = (
        ClaimSending.select(Claim.number, Decision.amount)
        .join(Claim)
        .join(Decision)
        .order_by(ClaimSending.id)
    )
    claims: Any = sent.tuples()
    rows = []
    for (number, decided), (result, less, serial, words) in zip(claims, _SAID, strict=True):
        paid = [plain(decided - less), serial, "2024-12-13"] if serial else ["", "", ""]
        rows.append([number, result, *paid, words])
    columns = [Column(title, width=22) for title in _TITLES]
    write_workbook(folder / ANSWER, columns, rows, sheet="演示", title="演示保险公司 理赔结果回执")


_TITLES = ("申领编号", "结果", "支付金额（元）", "支付流水号", "支付日期", "说明")
_SAID = (
    ("已支付", 0, "演示ZF20241213001", "演示"),
    ("已支付", LESS, "演示ZF20241213002", "演示：自费药品不予赔付"),
    ("拒付", 0, "", "演示：本次住院系工伤，不属保障范围"),
    ("补材料", 0, "", "演示：缺出院小结原件"),
)
