"""Corrections of a person's own data: phone and bank card at once, a resident ID by two people."""

from datetime import datetime
from typing import Any

from huigong import identity, vault
from huigong.database import writes
from huigong.models import IdCorrection, Member, User
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import audit

COLUMNS = {"phone": "手机号", "bank_card": "银行卡号", "bank": "开户行"}


@writes
def correct_member(
    member: Member,
    *,
    by: User,
    at: datetime,
    phone: str = "",
    bank_card: str = "",
    bank: str = "",
) -> list[str]:
    """Add or correct a member's phone, bank card or bank; empty leaves it as it is. Which columns
    changed. What a payout batch already holds stays as it was made.

    Refuses, all at once, numbers that cannot be, and a correction that changes nothing.
    """
    told = {
        "phone": identity.normalize_mobile(phone),
        "bank_card": identity.normalize_bank_card(bank_card),
        "bank": identity.plain_text(bank).strip()[:60],
    }
    faults = {
        "phone": identity.mobile_fault(told["phone"]) if told["phone"] else None,
        "bank_card": identity.bank_card_fault(told["bank_card"]) if told["bank_card"] else None,
    }
    found = [(name, f"{COLUMNS[name]}{fault}") for name, fault in faults.items() if fault]
    if found:
        raise Refused.all(found)
    fresh = Member.get_by_id(member.id)
    changed = [name for name, text in told.items() if text and text != _known(fresh, name)]
    if not changed:
        raise Refused("phone", "没有要更正的内容：填写的与登记的相同，或都没有填")
    changes: dict[str, Any] = {
        name: told[name] if name == "bank" else fresh.seal(name, told[name]) for name in changed
    }
    Member.update(**changes).where(Member.id == member.id).execute()
    audit.record(
        "correct member", by=by, at=at, on=member, organization=fresh.organization,
        detail="、".join(COLUMNS[name] for name in changed),
    )  # fmt: skip
    return changed


def _known(member: Member, name: str) -> str:
    if name == "bank":
        return str(member.bank)
    return member.opened(name) if getattr(member, name) else ""


@writes
def ask_id_correction(
    member: Member,
    *,
    resident_id: str,
    reason: str,
    proof: Kept | None,
    by: User,
    at: datetime,
) -> IdCorrection:
    """Ask that a member's resident ID be corrected, with a kept proof; somebody else decides.

    Refuses an ID that cannot be, the one already registered, one of another member, no reason,
    and a second request while one waits.
    """
    number = identity.normalize_id(resident_id)
    found = [("resident_id", f"身份证号{fault}")] if (fault := identity.id_fault(number)) else []
    found = found or _taken(member, number)
    if not reason.strip():
        found.append(("reason", "请写明更正的原因"))
    if proof is None:
        found.append(("proof", "请上传身份证复印件或派出所证明"))
    waiting = IdCorrection.select().where(
        IdCorrection.member == member, IdCorrection.stage == "asked"
    )
    if waiting.exists():
        found.append(("resident_id", "这位职工已有一份更正申请等待审核"))
    if found or proof is None:
        raise Refused.all(found)
    request = IdCorrection(
        organization=member.organization_id,
        member=member,
        id_index=Member.index_of_id(number),
        reason=reason.strip()[:500],
        proof=proof.file,
        proof_name=proof.name,
        asked_by=by,
        asked_at=at,
    )
    request.resident_id = request.seal("resident_id", number)
    request.save(force_insert=True)
    audit.record("ask ID correction", by=by, at=at, on=request, organization=member.organization)
    return request


@writes
def decide_id_correction(
    request: IdCorrection, *, approve: bool, note: str, by: User, at: datetime
) -> Member:
    """Decide a request; an approval gives the member the new ID, with the birth date and sex it
    states, and keeps the blind index of the old one. Facts of covers and decisions already made
    stay as they were.

    Refuses who asked for it, a refusal without a reason, and an ID that meanwhile belongs to
    another member. Raises Lost when it was decided already.
    """
    note = note.strip()[:500]
    if by.id == request.asked_by_id:
        raise Refused("verdict", "申请人不能审核自己的申请，请由另一人审核")
    if not approve and not note:
        raise Refused("note", "请写明不同意的理由")
    member: Member = Member.get_by_id(request.member_id)
    number = request.opened("resident_id")
    if approve and (found := _taken(member, number)):
        raise Refused("verdict", found[0][1])
    stage = "approved" if approve else "refused"
    told: dict[str, Any] = {"decided_by": by.id, "decided_on": at.date(), "note": note}
    if approve:
        told["id_index"] = member.id_index  # by which a file that still names it is told
    request.move("stage", was="asked", to=stage, **told)
    if approve:
        Member.update(
            **_sealed_anew(member, number),
            id_index=Member.index_of_id(number),
            tail_index=Member.index_of_tail(number),
            born_on=identity.birth_date(number),
            sex=identity.sex(number),
        ).where(Member.id == member.id).execute()
    deed = "approve ID correction" if approve else "refuse ID correction"
    audit.record(deed, by=by, at=at, on=request, organization=request.organization)
    return Member.get_by_id(member.id)


def _sealed_anew(member: Member, number: str) -> dict[str, Any]:
    """A member's sealed fields with another ID, under a `ref` of its own.

    The one so far may be a staged row's, which names the old ID: approved after a broken-off
    approval made this member, it would make somebody of that ID under the same `ref`.
    """
    ref, keys = vault.new_ref(), vault.current()
    texts = {"resident_id": number} | {name: member.opened(name) for name in ("phone", "bank_card")}
    sealed = {
        name: keys.seal(text, table="member", column=name, row=ref) for name, text in texts.items()
    }
    return {"ref": ref, **sealed}


def _taken(member: Member, number: str) -> list[tuple[str, str]]:
    """Whether an ID is the member's own already, or another person's (whose is not told)."""
    index = Member.index_of_id(number)
    owner = Member.get_or_none(Member.id_index == index)
    if owner is None:
        return []
    if owner.id == member.id:
        return [("resident_id", "与登记的身份证号相同")]
    message = "这个身份证号已登记在另一位职工名下，请先与上级工会核对是否重复登记"
    return [("resident_id", message)]


@writes
def read_proof(request: IdCorrection, *, by: User, at: datetime) -> None:
    """Record that the proof of a correction is handed to `by`."""
    audit.record("read paper", by=by, at=at, on=request, organization=request.organization)
