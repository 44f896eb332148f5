"""Members on the screen: found by name, initials or the last four of the ID; their cover."""

import io
import re
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from peewee import JOIN

from huigong import clock, identity, pinyin
from huigong.access import allow, find, holds, scope_of_met, visible
from huigong.admin.claims.room import STAGES as CLAIM_STAGES
from huigong.admin.lists import asked_order, beside, either, named_place, ordered, page_of
from huigong.models import (
    Claim,
    Decision,
    Edition,
    Enrollment,
    IdCorrection,
    Member,
    Organization,
    Role,
    Roster,
    begins,
)
from huigong.workflows import funding, gifts
from huigong.workflows.enrollment import certificates, leaving
from huigong.workflows.enrollment.corrected import corrected

members = Blueprint("members", __name__, url_prefix="/admin")

EVERYONE = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)
_WHOLE_ID = re.compile(r"\d{17}[\dX]", re.ASCII)
SEX = {"male": "男", "female": "女", "": "—"}
MEMBERSHIP = {"member": "工会会员", "non_member": "非会员"}


@members.get("/members")
@allow(*EVERYONE, on=Member, menu=(25, "职工"))
def index() -> Any:
    asked = {name: request.args.get(name, "").strip()[:50] for name in ("q", "unit")}
    if _WHOLE_ID.fullmatch(number := identity.normalize_id(asked["q"])):
        return redirect(_by_whole_id(number, asked["unit"]), 303)
    words = _words(asked["q"])
    filters = [_sought(word, alone=len(words) == 1) for word in words]
    if asked["unit"]:
        filters.append(named_place(Member.organization, asked["unit"]))
    columns = {
        "name": Member.sort_key,
        "unit": (Organization.pinyin, Organization.id, Member.sort_key, Member.id),
    }
    name, _ = asked_order(columns, default="name")
    page = page_of(
        Member,
        ordered(Member, columns, default="name"),
        filters=filters,
        near=_near(words[0]) if words and name == "name" else None,
        shown=Member.select(Member, Organization).join(Organization),
    )
    return render_template(
        "admin/members/index.html", page=page, asked=asked, standing=_cover(page.rows),
        left=leaving.left_among(page.rows), gone=leaving.GONE,
    )  # fmt: skip


def _words(asked: str) -> list[str]:
    """What is sought, written as rosters keep it: 张 三 is one name, • is ·, ＺＳ is ZS."""
    words = [identity.normalize_name(word) for word in identity.plain_text(asked).split()]
    return ["".join(words)] if all(len(word) == 1 for word in words) and words else words


def _by_whole_id(number: str, unit: str) -> str:
    """Where a whole ID leads, which stays in no address: to its member, or to those who share
    its last four."""
    index = Member.index_of_id(number)
    found = visible(Member).where(Member.id_index == index).first()
    if found is None and (renamed := corrected([index]).get(index)):
        found = visible(Member).where(Member.id_index == renamed.id_index).first()
        if found is not None:
            flash("这个号码已凭证件更正，下面是这位职工")
    if found is not None:
        return url_for("members.page", id=found.id)
    flash("没有这个身份证号的职工；下面是后四位相同的")
    return url_for("members.index", q=number[-4:], unit=unit or None)


def _sought(word: str, *, alone: bool) -> Any:
    """The last four of the ID, initials, how the name or the given name begins, each a range of
    an index; or a certificate's whole number, also one from before this office. Beside other
    words also a part of the unit's name (`王 建工`)."""
    plain = word.upper()
    holders = Enrollment.select(Enrollment.member).where(
        Enrollment.certificate == plain, Enrollment.counts()
    )
    if any(letter.isdigit() for letter in plain) and holders.exists():
        return Member.id << holders
    if re.fullmatch(r"\d{3}[\dX]", plain, re.ASCII):
        return Member.tail_index == Member.index_of_tail(plain)
    if word.isascii() and word.isalpha():
        return either(begins(Member.pinyin, word.lower()), begins(Member.name, word))
    named = [begins(Member.name, word)]
    if len(word) > 1:  # one character is a surname
        named.append(begins(Member.given_name(), word))
        if not alone:
            named.append(named_place(Member.organization, word))
    return either(*named)


def _near(word: str) -> Any:
    """What a word sought says of the sort key: the letter that initials begin with, or how a
    surname is read."""
    if word.isascii() and word.isalpha():
        key = word[0].lower()
    else:
        key = pinyin.shared_key(word) if len(word) == 1 else ""
    return begins(Member.sort_key, key) if key else None


def _cover(members: list[Member]) -> dict[int, tuple[str, str]]:
    """How each listed member is covered today, or was last, as a badge."""
    today, ids = clock.today(), [member.id for member in members]
    query = _enrollments(Enrollment.member << ids).where(Enrollment.cover_to >= today)
    covers = list(query.order_by(Enrollment.cover_from.desc()))
    unpaid = funding.unpaid_among(cover.roster_id for cover in covers)
    now = {cover.member_id: standing(cover, unpaid) for cover in covers}
    ended: Any = _enrollments(Enrollment.member << [id for id in ids if id not in now])
    ended = ended.order_by(Enrollment.cover_to)
    return {cover.member_id: (f"已于{cover.cover_to}到期", "done") for cover in ended} | now


def standing(cover: Enrollment, unpaid: set[int]) -> tuple[str, str]:
    """An enrollment's standing today in words, with the badge's kind; `unpaid` are the rosters
    with open dues (`funding.unpaid_among`)."""
    today = clock.today()
    if cover.left_on is not None and cover.left_on < today:
        return (f"已于{cover.left_on}退出", "done")
    if cover.cover_to < today:
        return ("已到期", "done")
    if cover.roster_id in unpaid:
        return ("待缴费，未生效", "wait")
    if cover.cover_from > today:
        return (f"{cover.cover_from}起生效", "wait")
    return ("保障中", "good")


def _enrollments(condition: Any) -> Any:
    """Enrollments that count and may be seen, each with its unit and edition."""
    counts = Roster.id.is_null() | (Roster.stage == "approved")
    return (
        Enrollment.select(Enrollment, Organization, Edition.id, Edition.name)
        .join_from(Enrollment, Roster, JOIN.LEFT_OUTER)
        .join_from(Enrollment, Edition)
        .join_from(Enrollment, Organization)
        .where(condition, beside(scope_of_met(Enrollment) & counts))
    )


@members.get("/members/<int:id>")
@allow(*EVERYONE, on=Member)
def page(id: int) -> Any:
    member = find(Member, id)
    covers = list(_enrollments(Enrollment.member == member).order_by(Enrollment.cover_from.desc()))
    given = gifts.givers_of(cover.roster_id for cover in covers if cover.roster_id)
    unpaid = funding.unpaid_among(cover.roster_id for cover in covers)
    claims = Claim.select(Claim, Decision).join(Decision, JOIN.LEFT_OUTER, attr="verdict")
    claims = claims.where(Claim.member == member, beside(scope_of_met(Claim))).order_by(
        Claim.filed_on.desc(), Claim.id.desc()
    )
    return render_template(
        "admin/members/page.html",
        member=member,
        covers=[(cover, *standing(cover, unpaid)) for cover in covers],
        givers={cover.id: gifts.named(given.get(cover.roster_id), cover) for cover in covers},
        claims=list(claims),
        claim_stages=CLAIM_STAGES,
        employments=list(member.employments),
        left=leaving.left_with(member),
        reasons=leaving.REASONS,
        kept_cover=leaving.KEPT_COVER,
        id_asked=IdCorrection.get_or_none(
            IdCorrection.member == member, IdCorrection.stage == "asked"
        ),
        may_reveal=holds(Role.CLERK, Role.REVIEWER, Role.FINANCE, at=member.organization),
        sex=SEX[member.sex],
        membership=MEMBERSHIP[member.membership],
    )


@members.get("/certificates/<int:id>")
@allow(*EVERYONE, on=Enrollment)
def certificate(id: int) -> Any:
    cover = find(Enrollment, id)
    words, kind, good = _on_paper(cover)
    return render_template(
        "admin/members/certificate.html",
        cover=cover, member=cover.member, words=words, kind=kind, good=good,
        facts=certificates.facts_of(cover, words),
        qr=certificates.qr_svg(_check_address(cover)), pdf=certificates.font() is not None,
    )  # fmt: skip


def _on_paper(cover: Enrollment) -> tuple[str, str, bool]:
    """A cover's standing in words, the badge's kind, and whether it is or will be in force."""
    if not Enrollment.counted().where(Enrollment.id == cover.id).exists():
        return "名册尚未批准", "wait", False
    unpaid = funding.unpaid_among([cover.roster_id])
    return *standing(cover, unpaid), cover.roster_id not in unpaid


def _check_address(cover: Enrollment) -> str:
    """What the QR code holds: the public page, the number and its signature."""
    token = certificates.token_of(cover.certificate)
    return url_for("certificate_check.ask", c=cover.certificate, t=token, _external=True)


@members.get("/certificates/<int:id>.pdf")
@allow(*EVERYONE, on=Enrollment)
def certificate_pdf(id: int) -> Any:
    cover = find(Enrollment, id)
    if certificates.font() is None:
        abort(404)
    words, _, _ = _on_paper(cover)
    content = certificates.pdf_of(
        cover, words=words, address=_check_address(cover), on=clock.today(),
        mark="演示，不作为凭证" if current_app.config["SETTINGS"].is_demo else "",
    )  # fmt: skip
    return send_file(
        io.BytesIO(content), mimetype="application/pdf", as_attachment=True,
        download_name=f"参保凭证{cover.certificate}.pdf", max_age=0,
    )  # fmt: skip
