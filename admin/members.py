"""Members on the screen: found by name, initials or the last four of the ID; their cover."""

import io
import re
from typing import Any

from flask import (
    Blueprint,
    abort,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from peewee import JOIN

from huigong import clock
from huigong.access import allow, find, holds, visible
from huigong.admin.claims.room import STAGES as CLAIM_STAGES
from huigong.admin.lists import ordered, page_of
from huigong.models import (
    Claim,
    Decision,
    Edition,
    Enrollment,
    Member,
    Organization,
    Role,
    Roster,
    begins,
)
from huigong.workflows import funding, gifts
from huigong.workflows.enrollment import certificates

members = Blueprint("members", __name__, url_prefix="/admin")

EVERYONE = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)
_WHOLE_ID = re.compile(r"\d{17}[\dXx]", re.ASCII)
SEX = {"male": "男", "female": "女", "": "—"}
MEMBERSHIP = {"member": "工会会员", "non_member": "非会员"}


@members.get("/members")
@allow(*EVERYONE, on=Member, menu=(25, "职工"))
def index() -> Any:
    asked = {name: request.args.get(name, "").strip()[:50] for name in ("q", "unit")}
    if _WHOLE_ID.fullmatch(asked["q"]):  # a whole ID stays in no address
        return redirect(url_for("members.index", q=asked["q"][-4:], unit=asked["unit"]), 303)
    query = visible(Member).select_extend(Organization).join(Organization)
    if asked["q"]:
        query = query.where(_sought(asked["q"]))
    if asked["unit"]:
        query = query.where(Organization.name.contains(asked["unit"]))
    columns = {"name": Member.sort_key, "unit": Organization.pinyin, "born": Member.born_on}
    page = page_of(ordered(query, columns, default="name").order_by_extend(Member.id))
    return render_template(
        "admin/members/index.html", page=page, asked=asked, standing=_cover(page)
    )


def _sought(asked: str) -> Any:
    """The last four of the ID, initials, how the name or the given name begins, each a range of
    an index; or a certificate's whole number, also one from before this office."""
    plain = asked.upper()
    holders = Enrollment.select(Enrollment.member).where(
        Enrollment.certificate == plain.replace(" ", ""), Enrollment.counts()
    )
    if any(letter.isdigit() for letter in plain) and holders.exists():
        return Member.id << holders
    if re.fullmatch(r"\d{3}[\dX]", plain, re.ASCII):
        return Member.tail_index == Member.index_of_tail(plain)
    if asked.isascii() and asked.isalpha():
        return begins(Member.pinyin, asked.lower()) | begins(Member.name, asked)
    return begins(Member.name, asked) | begins(Member.given_name(), asked)


def _cover(page: Any) -> dict[int, tuple[str, str]]:
    """How each listed member is covered today, as a badge."""
    today, ids = clock.today(), [member.id for member in page.rows]
    covers = _enrollments(Enrollment.member << ids).where(Enrollment.cover_to >= today)
    found: dict[int, tuple[str, str]] = {}
    for cover in covers.order_by(Enrollment.cover_from.desc()):
        found[cover.member_id] = standing(cover)
    return found


def standing(cover: Enrollment) -> tuple[str, str]:
    """An enrollment's standing today in words, with the badge's kind."""
    today = clock.today()
    if cover.left_on is not None and cover.left_on < today:
        return (f"已于{cover.left_on}退出", "done")
    if cover.cover_to < today:
        return ("已到期", "done")
    if funding.in_force_on(cover, today):
        return ("保障中", "good")
    if funding.in_force_on(cover, cover.cover_from):
        return (f"{cover.cover_from}起生效", "wait")
    return ("待缴费，未生效", "wait")


def _enrollments(condition: Any) -> Any:
    """Enrollments that count and may be seen, each with its roster and edition."""
    query = visible(Enrollment).where(Enrollment.counts(), condition)
    return (
        query.select_extend(Roster, Edition)
        .join_from(Enrollment, Roster, JOIN.LEFT_OUTER)
        .join_from(Enrollment, Edition)
    )


@members.get("/members/<int:id>")
@allow(*EVERYONE, on=Member)
def page(id: int) -> Any:
    member = find(Member, id)
    covers = list(_enrollments(Enrollment.member == member).order_by(Enrollment.cover_from.desc()))
    given = gifts.givers_of(cover.roster_id for cover in covers if cover.roster_id)
    claims = visible(Claim).select_extend(Decision).join(Decision, JOIN.LEFT_OUTER, attr="verdict")
    claims = claims.where(Claim.member == member).order_by(Claim.filed_on.desc(), Claim.id.desc())
    return render_template(
        "admin/members/page.html",
        member=member,
        covers=[(cover, *standing(cover)) for cover in covers],
        givers={cover.id: gifts.named(given.get(cover.roster_id), cover) for cover in covers},
        claims=list(claims),
        claim_stages=CLAIM_STAGES,
        employments=list(member.employments),
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
    return *standing(cover), funding.in_force_on(cover, cover.cover_from)


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
        cover, words=words, address=_check_address(cover), on=clock.today()
    )
    return send_file(
        io.BytesIO(content), mimetype="application/pdf", as_attachment=True,
        download_name=f"参保凭证{cover.certificate}.pdf", max_age=0,
    )  # fmt: skip
