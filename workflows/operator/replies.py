"""What the operator answered about a claim: paid, agreed to, refused, or more papers asked.

What simply agrees with us is taken as it comes. What does not (another amount, a refusal, papers,
a payment of what is not decided yet) stays open, and somebody here decides it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from peewee import JOIN, fn

from huigong import identity
from huigong.database import among, writes
from huigong.models import (
    Claim,
    ClaimEvent,
    ClaimSending,
    Decision,
    Member,
    OperatorFile,
    OperatorReply,
    Scheme,
    User,
)
from huigong.money import yuan
from huigong.refusals import Lost, Refused
from huigong.sheets import Row
from huigong.workflows import audit, payouts
from huigong.workflows.claims import ask_reconsideration
from huigong.workflows.enrollment.columns import plain_title
from huigong.workflows.enrollment.corrected import corrected
from huigong.workflows.operator.covers import Judged, words_of
from huigong.workflows.operator.reading import Sheet, plainly
from huigong.workflows.statements.layout import day_of, fen_of, number_of

KINDS: Final = {"paid": "已支付", "agreed": "同意", "refused": "拒付", "papers": "要求补材料"}
_SAYS: Final = {
    "paid": (
        *("已支付", "已付", "支付成功", "已赔付", "已给付", "已发放", "已打款", "已转账", "已付款"),
        *("支付完成", "赔付成功", "已到账", "成功", "支付"),
    ),
    "agreed": (
        *(
            "同意",
            "通过",
            "审核通过",
            "同意给付",
            "同意支付",
            "核定",
            "已核定",
            "待支付",
            "准予给付",
        ),
        *("金额不符", "金额有异议", "金额调整", "调整金额", "部分同意", "部分给付"),
    ),
    "refused": (
        *("拒付", "拒赔", "不予支付", "不予给付", "不同意", "不通过", "拒绝", "审核不通过", "退回"),
        *("不予赔付", "否"),
    ),
    "papers": (
        *("补件", "补材料", "补充材料", "需补充材料", "待补", "补正", "材料不全", "资料不全"),
        *("需补件", "待补件", "待补充材料", "补充资料", "要求补材料"),
    ),
}
_KIND_OF: Final = {plain_title(word): kind for kind, words in _SAYS.items() for word in words}
_SLIP: Final = 10**12  # fen: more is a slip of the keyboard


class Said(NamedTuple):
    """A row of an answer that can be taken; `ours` is our own amount in fen and `claim` how the
    claim stands now."""

    number: int
    sending: int
    claim: int
    stage: str
    ours: int
    kind: str
    amount: int | None
    serial: str
    paid_on: date | None
    words: str

    @property
    def key(self) -> str:
        """By which the same answer about the same sending counts once."""
        says = (self.kind, self.amount, self.serial, str(self.paid_on or ""), self.words)
        return f"{self.sending}:{sha256(repr(says).encode()).hexdigest()[:20]}"

    @property
    def effect(self) -> str:
        """What taking it does: paid, agreed (nothing more), or what somebody has to decide."""
        if self.kind == "agreed":
            return "agreed" if self.amount in (None, self.ours) else "differs"
        if self.kind == "paid":
            settled = self.stage == "approved" and self.amount == self.ours
            return "paid" if settled else "early" if self.amount == self.ours else "differs"
        return self.kind


EFFECTS: Final = {
    "paid": "已支付，金额相同，登记发放",
    "agreed": "同意，等待支付",
    "differs": "金额与我们的不同，须有人决定",
    "early": "已支付，但我们还没有复审决定",
    "refused": "拒付，须有人决定",
    "papers": "要求补材料，须有人办理",
}


def judge(
    scheme: Scheme, sheet: Sheet, rows: Sequence[tuple[int, Row]], *, on: date, again: set[int]
) -> Judged:
    """Hold all rows of an answer against the claims that were sent; those with a number in `again`
    were taken from the same file. Refuses (`file`) an answer of which no row is about one of the
    claims: another operator's."""
    sent, judged = _Sent(scheme, sheet, rows), Judged([], 0, {})
    known, first = 0, dict[int, Said]()
    for number, row in rows:
        try:
            sending = sent.of(number, row)
            said = _said(sheet, number, row, sending, on)
            before = first.setdefault(sending.claim_id, said)
            if before.key != said.key:
                raise Refused("number", f"与第{before.number}行是同一笔申领，写的不一样")
            if number in again or said.key in sent.keys or before is not said:
                known += 1
            elif sending.stage != "sent":
                raise Refused("number", _GONE[sending.stage])
            else:
                judged.fresh.append(said)
        except Refused as refused:
            judged.faults[number] = refused.faults
    if sent.strangers == len(rows):
        raise Refused(
            "file", f"表里没有一行是送给“{scheme.name}”承办方的申领，请核对是不是传错了文件"
        )
    return judged._replace(known=known)


_GONE: Final = {
    "paid": "这笔申领已登记支付，回执与登记的不同，请与承办方核对",
    "back": "这笔申领已从承办方收回，不再等它的回执",
}


class _Sent:
    """The sendings that an answer's rows may be about, and the answers known of them."""

    def __init__(self, scheme: Scheme, sheet: Sheet, rows: Sequence[tuple[int, Row]]):
        self.scheme, self.sheet, self.strangers = scheme, sheet, 0
        self.by_number: dict[str, Any] = {}
        self.by_person: dict[str, dict[int, Any]] = {}
        numbers = {_number(sheet, row) for _, row in rows} - {""}
        people = {_person(sheet, row) for _, row in rows} - {""}
        # The operator answers under the ID that it was sent, which may be corrected by now.
        self.renamed = {old: found.id_index for old, found in corrected(list(people)).items()}
        people |= set(self.renamed.values())
        for sending in _sendings(scheme, list(numbers), list(people)):
            claim = sending.claim  # of several times it was sent the last
            self.by_number[claim.number] = sending
            self.by_person.setdefault(claim.member.id_index, {})[claim.id] = sending
        ids = [s.id for s in self.by_number.values()]
        kept: Any = OperatorReply.select(OperatorReply.key)
        self.keys = {key for (key,) in kept.where(among(OperatorReply.sending, ids)).tuples()}

    def of(self, number: int, row: Any) -> Any:
        """The sending that a row is about. Refuses a claim that was not sent, one of somebody
        else, and a person of whom several claims are there."""
        asked, person = _number(self.sheet, row), _person(self.sheet, row)
        if asked:
            sending = self.by_number.get(asked)
            if sending is None:
                self.strangers += 1
                raise Refused("number", f"没有送过编号为“{asked[:24]}”的申领")
            if person and sending.claim.member.id_index not in (person, self.renamed.get(person)):
                raise Refused("id_number", "身份证号与这笔申领的职工不符")
            return sending
        known = person if person in self.by_person else self.renamed.get(person, person)
        theirs = list(self.by_person.get(known, {}).values())
        waiting = [sending for sending in theirs if sending.stage == "sent"] or theirs[-1:]
        if not waiting:
            self.strangers += 1
            raise Refused("id_number", "没有送过这个人的申领，请核对身份证号")
        if len(waiting) > 1:
            raise Refused("id_number", f"这个人有{len(waiting)}笔申领送出，请写明申领编号")
        return waiting[0]


def _number(sheet: Sheet, row: Any) -> str:
    found = sheet.cells(row, "number")
    return identity.plain_text(str(found[0])).replace(" ", "").upper() if found else ""


def _person(sheet: Sheet, row: Any) -> str:
    """The blind index of a row's ID, "" where there is none or only a masked one."""
    found = sheet.cells(row, "id_number")
    number = identity.normalize_id(str(found[0])) if found else ""
    return Member.index_of_id(number) if number and "*" not in number else ""


def _sendings(scheme: Scheme, numbers: list[str], people: list[str]) -> Any:
    return (
        ClaimSending.select(
            *(ClaimSending, Claim, Member, OperatorFile), our_amount().alias("ours")
        )
        .join_from(ClaimSending, OperatorFile)
        .join_from(ClaimSending, Claim)
        .join_from(Claim, Member)
        .join_from(Claim, Decision, JOIN.LEFT_OUTER)
        .where(
            OperatorFile.scheme == scheme,
            among(Claim.number, numbers) | among(Member.id_index, people),
        )
        .order_by(ClaimSending.id)
    )


def our_amount() -> Any:
    """The expression for what we would have paid for a claim, in fen: as decided, or as last
    reckoned. Decision is to be joined."""
    return fn.COALESCE(Decision.amount, Claim.computed)


def ours_of(claim: Claim) -> int:
    """What we would have paid for a claim, in fen."""
    query: Any = Claim.select(our_amount()).join(Decision, JOIN.LEFT_OUTER)
    return int(query.where(Claim.id == claim.id).scalar())


def _said(sheet: Sheet, number: int, row: Any, sending: Any, on: date) -> Said:
    """A row as it was meant. Refuses, all at once, what cannot be read or is missing."""
    faults: list[tuple[str, str]] = []

    def read(name: str, of: Any, none: Any) -> Any:
        try:
            cell = sheet.cell(row, name)
            return of(cell) if str(cell).strip() else none
        except ValueError as wrong:
            faults.append((name, str(wrong)))
            return none

    result = read("result", plainly, "")
    kind = _KIND_OF.get(result, "")
    if not kind and not faults:
        words = "请填写：已支付、同意、拒付、补材料"
        faults.append(("result", f"不认识结果“{result[:20]}”，{words}" if result else words))
    amounts = {name: read(name, fen_of, None) for name in ("paid_amount", "agreed_amount")}
    amount = amounts["paid_amount"] or amounts["agreed_amount"]
    serial = read("serial", lambda cell: number_of(cell, "支付流水号"), "")
    day = read("paid_on", lambda cell: day_of(cell, sheet.epoch, "支付日期"), None)
    claim = sending.claim
    said = Said(
        number, sending.id, claim.id, claim.stage, int(sending.ours), kind, amount, serial, day,
        words_of(sheet, row),
    )  # fmt: skip
    if faults := faults or _missing(said, sending.file.at.date(), on):
        raise Refused.all(faults)
    return said


def _missing(said: Said, sent_on: date, on: date) -> list[tuple[str, str]]:
    """What a row of its kind lacks, and what in it cannot be."""
    faults = []
    if said.kind == "paid":
        if said.amount is None:
            faults.append(("paid_amount", "已支付的须写明支付金额"))
        if not said.serial:
            faults.append(("serial", "已支付的须写明支付流水号"))
        if said.paid_on is None:
            faults.append(("paid_on", "已支付的须写明支付日期"))
        elif not sent_on <= said.paid_on <= on:
            faults.append(("paid_on", f"支付日期应在送出的{sent_on}与今天之间"))
    elif said.kind in ("refused", "papers") and not said.words:
        what = "拒付的须写明原因" if said.kind == "refused" else "补材料的须写明缺少什么"
        faults.append(("words", what))
    if said.amount is not None and not 0 < said.amount < _SLIP:
        faults.append(("paid_amount", "支付金额应大于零"))
    return faults


def counts(fresh: Sequence[Said]) -> list[tuple[str, int]]:
    """What new rows would do, in words and numbers."""
    found = dict.fromkeys(EFFECTS, 0)
    for said in fresh:
        found[said.effect] += 1
    return [(EFFECTS[effect], count) for effect, count in found.items() if count]


def keep(file: OperatorFile, part: Sequence[Said], *, by: User, at: datetime) -> None:
    """Keep some of an answer's rows and book what they say is paid, inside the caller's
    transaction. Refuses whoever sent what is paid. Raises Lost when somebody was before."""
    _still(part)
    for said in part:
        done = said.effect in ("paid", "agreed")
        OperatorReply.create(
            organization=file.organization_id, sending=said.sending, file=file,
            number=said.number, kind=said.kind, amount=said.amount, serial=said.serial,
            paid_on=said.paid_on, words=said.words, key=said.key,
            stage="done" if done else "open", verdict="taken" if done else "",
        )  # fmt: skip
        note = in_words(said)
        ClaimEvent.create(claim=said.claim, kind="answered", by=by, on=at.date(), at=at, note=note)
    _book([(s.sending, payment_words(s)) for s in part if s.effect == "paid"], file, by=by, at=at)


def _still(part: Sequence[Said]) -> None:
    """Raise Lost unless the claims stand as they did when the answer was read."""
    query: Any = (
        ClaimSending.select(ClaimSending.id, Claim.stage, our_amount())
        .join(Claim)
        .join(Decision, JOIN.LEFT_OUTER)
        .where(among(ClaimSending.id, [s.sending for s in part]), ClaimSending.stage == "sent")
    )
    now = {sending: (stage, int(fen)) for sending, stage, fen in query.tuples()}
    if any(now.get(said.sending) != (said.stage, said.ours) for said in part):
        raise Lost("a claim of the answer was decided or answered by somebody else meanwhile")


def _book(paid: Sequence[tuple[int, str]], file: OperatorFile, *, by: User, at: datetime) -> None:
    """Book payments of sendings, with words on each; a batch for each of who sent them."""
    by_sender: dict[User, dict[int, str]] = {}
    for id, note in paid:
        sending = ClaimSending.get_by_id(id)
        sending.move("stage", was="sent", to="paid")
        by_sender.setdefault(sending.file.by, {})[sending.claim_id] = note
    for sender, notes in by_sender.items():
        payouts.book_operator_payments(notes, file=file, sender=sender, by=by, at=at)


def payment_words(said: Said | OperatorReply) -> str:
    """What a payout's note says of the operator's payment."""
    return f"承办方支付，流水号{said.serial}，{said.paid_on}"


def in_words(said: Said | OperatorReply) -> str:
    """An answer in one line."""
    parts = [KINDS[said.kind]]
    if said.amount is not None:
        parts.append(f"{yuan(said.amount)}元")
    if said.serial:
        parts.append(f"流水号{said.serial}")
    if said.paid_on:
        parts.append(str(said.paid_on))
    return "，".join([*parts, *([said.words] if said.words else [])])


def differs(reply: OperatorReply) -> bool:
    """Whether an answer names another amount than ours as it is now."""
    return reply.amount is not None and reply.amount != ours_of(reply.sending.claim)


VERDICTS: Final = {
    "taken": "按我们核定的金额登记为已支付",
    "wait": "仍由承办方办理，等它新的回执",
    "back": "收回：可更正后再送，或由本工会发放",
    "revoke": "收回，并提请撤销我们的决定，由审核人答复",
}


def verdicts_for(reply: OperatorReply) -> list[tuple[str, str]]:
    """What may be decided of an open answer. A claim that the operator has paid is not taken
    back: it would be paid twice."""
    names = ["wait"] if reply.kind == "paid" else ["wait", "back"]
    decided = reply.sending.claim.stage == "approved"
    if reply.kind == "paid" and decided:
        names.insert(0, "taken")
    elif decided:
        names.append("revoke")
    return [(name, VERDICTS[name]) for name in names]


def _settling_faults(reply: OperatorReply, verdict: str, reason: str) -> list[tuple[str, str]]:
    faults = []
    if verdict not in dict(verdicts_for(reply)):
        faults.append(("verdict", "请选择怎样处理这份回执"))
    if len(reason.strip()) < 2 and (verdict != "taken" or differs(reply)):
        faults.append(("reason", "请写明理由"))
    return faults


@writes
def settle_reply(
    reply: OperatorReply, *, verdict: str, reason: str, by: User, at: datetime
) -> OperatorReply:
    """Decide an answer that does not simply agree with us.

    `taken` books our own amount as paid: what was decided is locked, and another figure of theirs
    is said with the reason why. `wait` leaves the claim with the operator for another answer;
    `back` ends that, and `revoke` also asks that our own decision be revoked, which somebody else
    answers. Refuses another verdict, no reason, and whoever sent a claim that is paid. Raises Lost
    when the answer was decided already.
    """
    reply = OperatorReply.get_by_id(reply.id)
    if reply.stage != "open":
        raise Lost(f"reply {reply.id} is {reply.stage}")
    if faults := _settling_faults(reply, verdict, reason):
        raise Refused.all(faults)
    sending: Any = reply.sending
    if verdict == "taken":
        if sending.file.by_id == by.id:
            raise Refused("verdict", "登记支付须由送出人以外的人办理")
        _book([(sending.id, payment_words(reply))], reply.file, by=by, at=at)
    elif verdict in ("back", "revoke"):
        sending.move("stage", was="sent", to="back")
    reply.move(
        "stage", was="open", to="done", verdict=verdict, reason=reason.strip()[:500],
        decided_by=by.id, decided_at=at,
    )  # fmt: skip
    note = "：".join(filter(None, [VERDICTS[verdict], reason.strip()[:500]]))
    ClaimEvent.create(
        claim=sending.claim, kind="reply_settled", by=by, on=at.date(), at=at, note=note
    )
    if verdict == "revoke":
        why = f"承办方{in_words(reply)}。{reason.strip()}"
        ask_reconsideration(sending.claim, reason=why, by=by, at=at)
    place = reply.organization
    audit.record("settle operator reply", by=by, at=at, on=reply, organization=place,
                 detail=f"{sending.claim.number} {VERDICTS[verdict]}")  # fmt: skip
    return reply
