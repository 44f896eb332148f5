"""People who leave a unit or go over to another, and units that merge and split."""

import re
from datetime import date

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit, a_user, signed_in
from builders_claims import a_claim, an_enrollment
from builders_enrollment import a_drafted_roster, a_person, an_approved_roster

from huigong.models import (
    Claim,
    Employment,
    Enrollment,
    Leaving,
    Member,
    Organization,
    Relocation,
    Reorganization,
    Role,
    Roster,
)
from huigong.refusals import Refused
from huigong.workflows import enrollment, funding
from huigong.workflows.enrollment import leaving, moving, reorganizing

ON = date(2024, 12, 10)


@pytest.fixture
def county(office) -> Organization:
    return a_county(a_city("濮阳市总工会", slug="puyang"))


@pytest.fixture
def old_unit(county) -> Organization:
    return a_unit(county, "旧单位")


@pytest.fixture
def new_unit(county) -> Organization:
    return a_unit(county, "新单位")


def somebody(unit: Organization, name: str = "调演示") -> Member:
    """An enrolled member of a unit, cover from 2025-01-01."""
    roster = an_approved_roster(unit, people=[a_person(姓名=name)])
    return roster.enrollments.get().member


def left(member: Member, on: date = ON, **more) -> Leaving:
    clerk = a_user(Role.CLERK, at=member.organization)
    Employment.update(from_on=date(2020, 1, 1)).where(Employment.member == member).execute()
    given = {"on": on, "reason": "resigned", "note": "", "by": clerk, "at": NOW, **more}
    return leaving.leave(member, **given)


# ── leaving ─────────────────────────────────────────────────────────────────────────────────


def test_who_leaves_keeps_cover_to_the_end_and_gets_nothing_back(old_unit):
    member = somebody(old_unit)
    cover = Enrollment.get(Enrollment.member == member)
    left(member)
    after = Enrollment.get_by_id(cover.id)
    assert (after.left_on, after.cover_to, after.fee) == (None, cover.cover_to, cover.fee)
    assert Employment.get(Employment.member == member).to_on == ON


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"on": date(2025, 1, 1)}, "on"),
        ({"on": date(2019, 1, 1)}, "on"),
        ({"reason": "bored"}, "reason"),
        ({"reason": "other"}, "note"),
    ],
)
def test_a_leaving_that_cannot_be_is_refused(old_unit, said, field):
    with pytest.raises(Refused) as refused:
        left(somebody(old_unit), **said)
    assert field in refused.value.by_field()


def test_nobody_leaves_twice(old_unit):
    member = somebody(old_unit)
    left(member)
    with pytest.raises(Refused, match="已经登记离开"):
        left(member)


# ── to another unit ─────────────────────────────────────────────────────────────────────────


def asked(member: Member, target: Organization, **more) -> Relocation:
    given = {
        "number": member.opened("resident_id"), "name": member.name, "target": target, "on": ON,
        "reason": "", "by": a_user(Role.CLERK, at=target), "at": NOW, **more,
    }  # fmt: skip
    return moving.ask_relocation(**given)


def test_a_request_that_is_agreed_to_moves_the_member_with_their_cover(old_unit, new_unit, county):
    member = somebody(old_unit)
    request = asked(member, new_unit)
    assert request.organization == county
    assert Member.get_by_id(member.id).organization == old_unit
    by = a_user(Role.REVIEWER, at=county)
    moving.decide_relocation(request, agree=True, note="", by=by, at=NOW)
    assert Member.get_by_id(member.id).organization == new_unit
    assert Enrollment.get(Enrollment.member == member).organization == new_unit
    ended, begun = Employment.select().where(Employment.member == member).order_by(Employment.id)
    assert (ended.organization, ended.to_on is not None) == (old_unit, True)
    assert (begun.organization, begun.from_on, begun.to_on) == (new_unit, ON, None)


def test_who_asked_does_not_decide_and_a_refusal_says_why(old_unit, new_unit, county):
    request = asked(somebody(old_unit), new_unit)
    with pytest.raises(Refused, match="另一人"):
        moving.decide_relocation(request, agree=True, note="", by=request.asked_by, at=NOW)
    by = a_user(Role.REVIEWER, at=county)
    with pytest.raises(Refused, match="理由"):
        moving.decide_relocation(request, agree=False, note="", by=by, at=NOW)
    moving.decide_relocation(request, agree=False, note="没有离职", by=by, at=NOW)
    assert Relocation.get_by_id(request.id).stage == "refused"


def test_nothing_is_learned_of_strangers(old_unit, new_unit):
    member = somebody(old_unit)
    with pytest.raises(Refused) as wrong_name:
        asked(member, new_unit, name="别人")
    Member.update(id_index="x").where(Member.id == member.id).execute()
    with pytest.raises(Refused) as absent:
        asked(member, new_unit)
    assert str(wrong_name.value) == str(absent.value)


def test_nobody_is_asked_for_twice_or_at_their_own_unit(old_unit, new_unit):
    member = somebody(old_unit)
    with pytest.raises(Refused, match="已在本单位"):
        asked(member, old_unit)
    asked(member, new_unit)
    with pytest.raises(Refused, match="已有一份"):
        asked(member, new_unit)


def test_the_level_above_moves_at_once_and_open_claims_go_with_the_person(office):
    cover = an_enrollment()
    claim = a_claim(cover)
    target = a_unit(cover.organization.parent)
    by = a_user(Role.REVIEWER, at=cover.organization.parent)
    Enrollment.update(cover_to=date(2025, 6, 30)).where(Enrollment.id == cover.id).execute()
    moving.relocate(cover.member, target=target, on=ON, reason="调动", by=by, at=NOW)
    assert Claim.get_by_id(claim.id).organization == target
    assert Enrollment.get_by_id(cover.id).organization == target


def test_ended_cover_stays_where_it_was(office):
    cover = an_enrollment()  # 2023-08-01 to 2024-07-31
    by = a_user(Role.REVIEWER, at=cover.organization.parent)
    target = a_unit(cover.organization.parent)
    moving.relocate(cover.member, target=target, on=ON, reason="调动", by=by, at=NOW)
    assert Enrollment.get_by_id(cover.id).organization == cover.organization


# ── units that merge and split ──────────────────────────────────────────────────────────────


def merged(source, into, by=None, **more) -> Reorganization:
    by = by or a_user(Role.ADMINISTRATOR, at=source.parent)
    given = {"into": into, "on": ON, "reason": "机构改革文件", "by": by, "at": NOW, **more}
    return reorganizing.merge_units(source, **given)


def test_a_merge_takes_people_cover_and_open_rosters_and_closes_the_unit(old_unit, new_unit):
    member = somebody(old_unit)
    draft = a_drafted_roster(old_unit, people=1)
    for due in Roster.get(Roster.stage == "approved").dues:
        funding.record_payment(
            due, amount=due.amount, received_on=TODAY, bank_reference=f"LS{due.id}", remark="",
            by=a_user(Role.FINANCE, at=old_unit.parent), at=NOW,
        )  # fmt: skip
    assert merged(old_unit, new_unit).people == 1
    assert Member.get_by_id(member.id).organization == new_unit
    assert Enrollment.get(Enrollment.member == member).organization == new_unit
    assert Roster.get_by_id(draft.id).organization == new_unit
    assert Organization.get_by_id(old_unit.id).closed_on == ON


def test_a_unit_that_still_owes_is_not_merged(old_unit, new_unit):
    somebody(old_unit)
    with pytest.raises(Refused, match="没有缴清"):
        merged(old_unit, new_unit)


def test_a_unit_with_a_roster_of_another_citys_scheme_is_not_merged_there(old_unit):
    roster = a_drafted_roster(old_unit, people=1)
    elsewhere = a_unit(a_city("外地市总工会"))
    province = a_user(Role.ADMINISTRATOR, at=Organization.get(Organization.level == "province"))
    with pytest.raises(Refused, match="1份名册的计划不面向"):
        merged(old_unit, elsewhere, by=province)
    enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)
    assert merged(old_unit, elsewhere, by=province).target == elsewhere


def test_only_who_administrates_both_from_above_merges(old_unit, new_unit):
    with pytest.raises(Refused, match="上级工会"):
        merged(old_unit, new_unit, by=a_user(Role.ADMINISTRATOR, at=old_unit))
    with pytest.raises(Refused, match="另一个"):
        merged(old_unit, old_unit)


def test_a_split_founds_a_unit_with_those_who_are_named(old_unit):
    goes, stays = somebody(old_unit, "走演示"), somebody(old_unit, "留演示")
    by = a_user(Role.ADMINISTRATOR, at=old_unit.parent)
    given = {
        "name": "分出单位",
        "code": "",
        "on": ON,
        "reason": "机构改革文件",
        "by": by,
        "at": NOW,
    }
    certificate = Enrollment.get(Enrollment.member == goes).certificate
    with pytest.raises(Refused, match="第2行"):
        reorganizing.split_unit(old_unit, people=f"{certificate}\n没有这个", **given)
    done = reorganizing.split_unit(old_unit, people=goes.opened("resident_id"), **given)
    assert Member.get_by_id(goes.id).organization == done.target
    assert Member.get_by_id(stays.id).organization == old_unit
    assert done.target.parent == old_unit.parent


# ── on the screen ───────────────────────────────────────────────────────────────────────────


def test_the_pages_ask_refuse_and_do(app, old_unit, new_unit, county):
    member = somebody(old_unit)
    Employment.update(from_on=date(2020, 1, 1)).execute()
    clerk = signed_in(app, a_user(Role.CLERK, at=new_unit))
    assert clerk.get("/admin/relocations/new").status_code == 200
    form = {"target": new_unit.id, "name": member.name, "number": member.opened("resident_id")}
    assert clerk.send("/admin/relocations/new", form).status_code == 422
    assert clerk.send("/admin/relocations/new", {**form, "on": "2024-12-10"}).status_code == 303
    assert "待决定" in clerk.get("/admin/relocations").get_data(as_text=True)
    assert old_unit.name not in clerk.get("/admin/relocations").get_data(as_text=True)
    request = Relocation.get()
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=county))
    assert "调动申请待决定" in reviewer.get("/admin/").get_data(as_text=True)
    address = f"/admin/relocations/{request.id}"
    assert clerk.get(address).status_code == 403
    assert reviewer.send(address, {}).status_code == 422
    assert reviewer.send(address, {"agree": "yes"}).status_code == 303
    page = clerk.get(f"/admin/members/{member.id}").get_data(as_text=True)
    assert "登记离开单位" in page
    there = f"/admin/members/{member.id}/leave"
    assert "当地工会最新通知" in clerk.get(there).get_data(as_text=True)
    assert clerk.send(there, {"on": "2024-12-16"}).status_code == 422
    assert clerk.send(there, {"on": "2024-12-16", "reason": "retired"}).status_code == 303
    page = clerk.get(f"/admin/members/{member.id}").get_data(as_text=True)
    assert "2024年12月16日离开" in page
    assert "登记离开单位" not in page
    assert "不用再登记" in clerk.get(there).get_data(as_text=True)
    back = f"/admin/members/{member.id}/relocate"
    assert reviewer.send(back, {"target": "没有", "on": "2024-12-16"}).status_code == 422
    moved = {"target": "旧单位", "on": "2024-12-16", "reason": "回原单位"}
    assert reviewer.send(back, moved).status_code == 303


def test_an_administrator_merges_and_splits_on_pages(app, old_unit, new_unit, county):
    admin = signed_in(app, a_user(Role.ADMINISTRATOR, at=county))
    page = admin.get(f"/admin/organizations/{old_unit.id}").get_data(as_text=True)
    assert f"/admin/organizations/{old_unit.id}/merge" in page
    for deed in ("merge", "split"):
        address = f"/admin/organizations/{old_unit.id}/{deed}"
        assert admin.get(address).status_code == 200
        assert admin.send(address, {"on": "2024-12-10"}).status_code == 422
    form = {"into": "新单位", "on": "2024-12-10", "reason": "机构改革文件"}
    assert admin.send(f"/admin/organizations/{old_unit.id}/merge", form).status_code == 303
    closed = admin.get(f"/admin/organizations/{old_unit.id}").get_data(as_text=True)
    for words in ("已停用", "并入新单位", "机构改革文件"):
        assert words in closed
    assert "开设账号" not in closed
    assert "来自旧单位" in admin.get(f"/admin/organizations/{new_unit.id}").get_data(as_text=True)
    for deed in ("merge", "split"):
        asked = admin.get(f"/admin/organizations/{old_unit.id}/{deed}").get_data(as_text=True)
        assert "只有正常的基层单位" in asked


def faults_of(answer):
    """The fields that a refused form names."""
    assert answer.status_code == 422
    return set(re.findall(r'<li><a href="#([\w-]+)">', answer.get_data(as_text=True)))


def test_an_empty_form_is_told_every_gap_at_once(app, old_unit, new_unit, county):
    member = somebody(old_unit)
    clerk = signed_in(app, a_user(Role.CLERK, at=old_unit))
    above = signed_in(app, a_user(Role.REVIEWER, Role.ADMINISTRATOR, at=county))
    of_member, of_unit = f"/admin/members/{member.id}", f"/admin/organizations/{old_unit.id}"
    gaps = {
        f"{of_member}/leave": (clerk, {"on", "reason"}),
        f"{of_member}/correct-id": (clerk, {"resident_id", "reason", "proof"}),
        "/admin/relocations/new": (clerk, {"target", "on", "name", "number"}),
        f"{of_member}/relocate": (above, {"target", "on", "reason"}),
        f"{of_unit}/merge": (above, {"into", "on", "reason"}),
        f"{of_unit}/split": (above, {"name", "people", "on", "reason"}),
    }
    told = {address: faults_of(who.send(address, {})) for address, (who, _) in gaps.items()}
    assert told == {address: fields for address, (_, fields) in gaps.items()}
