"""A draft published by a second person, and editions whose plan was damaged."""

import re
from dataclasses import replace
from datetime import date

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_claims import a_claim, an_enrollment
from builders_enrollment import an_approved_roster
from builders_scheme_editor import RATE, a_desk, a_draft, form_of, hash_of, opened, read, sent
from builders_schemes import a_published_edition
from peewee import Value

from huigong.models import DraftEdition, Edition, Role
from huigong.plans.typed import blank
from huigong.refusals import Lost, Refused
from huigong.workflows import drafting, schemes, verification

# ── Publishing ──────────────────────────────────────────────────────────────────────────────


def test_a_second_person_publishes_exactly_what_was_shown(app, office):
    desk = a_desk(app)
    draft = a_draft(desk)
    sent(desk.writer, draft, {**opened(desk.writer, draft), RATE: "40"}, "save")
    page = read(desk.second.get(f"/admin/schemes/drafts/{draft.id}/publication"))
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page).group(1)
    assert "<del>30%</del>" in page
    assert seen in page.replace('value="', "")
    answer = desk.second.send(f"/admin/schemes/drafts/{draft.id}/publication", {"seen": seen})
    assert answer.status_code == 303
    edition = Edition.get(Edition.code == "anyang-hospital-2025")
    assert edition.plan_hash == seen
    assert (edition.drafted_by, edition.published_by) == desk.users
    assert DraftEdition.select().count() == 0
    public = office.public / "current/anyang/policies/anyang-hospital-2025/index.html"
    assert "按<ins>40%</ins>" in re.sub(r"\s+", "", public.read_text()).replace("部分按<", "按<")
    assert "公众网站已更新" in read(desk.second.get(answer.location))


def test_publishing_a_second_time_from_another_tab_leads_to_the_edition_and_makes_no_other(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    place, seen = f"/admin/schemes/drafts/{draft.id}/publication", hash_of(draft)
    first, second = (desk.second.send(place, {"seen": seen}) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.location == first.location
    page = read(desk.second.get(second.location))
    assert "这份草稿已经发布为 anyang-hospital-2025，没有重复发布" in page
    assert Edition.select().count() == 2
    assert desk.second.send(place, {"seen": "0" * 64}).status_code == 404


def test_the_site_built_after_publishing_names_its_pages_to_search_engines_as_before(app, office):
    desk = a_desk(app)
    draft = a_draft(desk)
    place = f"/admin/schemes/drafts/{draft.id}/publication"
    assert desk.second.send(place, {"seen": hash_of(draft)}).status_code == 303
    assert "anyang-hospital-2025" in (office.public / "current/sitemap.xml").read_text()


def test_an_edition_whose_site_cannot_be_built_is_published_and_the_page_says_both(app, office):
    """Not a full disk or a broken link, which say so themselves, but what nobody thought of."""
    desk = a_desk(app)
    draft = a_draft(desk)
    app.config["SETTINGS"] = replace(office, home=office.home / "no\0where")
    app.testing = False  # the error page as the office would see it, were there one
    place = f"/admin/schemes/drafts/{draft.id}/publication"
    answer = desk.second.send(place, {"seen": hash_of(draft)})
    assert answer.status_code == 303
    page = read(desk.second.get(answer.location))
    assert "已发布 anyang-hospital-2025，从现在起不再改动。公众网站没有更新" in page
    assert "次日系统自动重新生成" in page
    assert "没有保存" not in page
    assert Edition.get(Edition.code == "anyang-hospital-2025").stage == "published"


def test_days_of_payment_set_in_the_editor_are_those_that_dues_fall_on(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    form = opened(desk.writer, draft)
    wrong = read(sent(desk.writer, draft, {**form, "fee-pay_by-city": "32"}, "check"))
    assert "一个月没有32日。写成1至31的整数" in wrong
    days = {"fee-pay_by-rest": "10", "fee-pay_by-union": "25日"}
    assert sent(desk.writer, draft, {**form, **days}, "save").status_code == 303
    place = f"/admin/schemes/drafts/{draft.id}/publication"
    page = read(desk.second.get(place))
    assert "每月10日前缴入" in page
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page).group(1)
    assert desk.second.send(place, {"seen": seen}).status_code == 303
    edition = Edition.get(Edition.code == "anyang-hospital-2025")
    assert edition.plan["fee"]["pay_by"] == {"union": 25, "rest": 10}
    roster = an_approved_roster(
        a_unit(desk.city), code=edition.code, at=NOW.replace(month=12, day=16),
        cover_from=date(2025, 1, 1),
    )  # fmt: skip
    fallen = {due.carrier: due.due_on for due in roster.dues}
    assert fallen == {"unit": date(2025, 1, 10), "union": date(2024, 12, 25)}


def test_nobody_who_wrote_in_a_draft_publishes_it(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    where = f"/admin/schemes/drafts/{draft.id}/publication"
    assert "发布须由另一位" in read(desk.writer.get(where))
    answer = desk.writer.send(where, {"seen": hash_of(draft)})
    assert answer.status_code == 422
    assert "不能发布" in read(answer)
    sent(desk.second, draft, {**opened(desk.second, draft), RATE: "35"}, "save")
    for user in desk.users:
        now = DraftEdition.get_by_id(draft.id)
        with pytest.raises(Refused, match="不能发布"):
            drafting.publish_draft(now, seen=hash_of(now), by=user, at=NOW)


def test_what_was_saved_after_it_was_shown_is_not_published(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    seen = hash_of(draft)
    sent(desk.writer, draft, {**opened(desk.writer, draft), RATE: "99"}, "save")
    answer = desk.second.send(f"/admin/schemes/drafts/{draft.id}/publication", {"seen": seen})
    assert answer.status_code == 409
    assert Edition.select().count() == 1


def test_publishing_ends_an_edition_without_end_and_changes_nothing_else_of_it(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    before = Edition.get_by_id(desk.edition.id)
    drafting.publish_draft(draft, seen=hash_of(draft), by=desk.users[1], at=NOW)
    after = Edition.get_by_id(desk.edition.id)
    assert after.enrolled_to == date(2024, 12, 31)
    assert (after.plan, after.plan_hash) == (before.plan, before.plan_hash)
    unit = a_unit(desk.city)
    open_on = lambda day: [e.code for e in schemes.editions_published_to(unit) if e.enrolls_on(day)]  # noqa: E731 said twice
    assert open_on(date(2024, 12, 31)) == ["anyang-hospital-2019"]
    assert open_on(date(2025, 1, 1)) == ["anyang-hospital-2025"]


def test_dates_that_overlap_a_published_edition_are_refused_with_the_day_to_choose(app):
    desk = a_desk(app, "zhengzhou-hospital-2023")
    draft = a_draft(desk)
    form = {**opened(desk.writer, draft), "enrolled-from": "2023-12-01"}
    page = read(sent(desk.writer, draft, form, "check"))
    assert "把参保开始定在 2024-01-01 或以后" in page
    assert re.search(r'id="enrolled-from-wrong">[^<]*重叠', page)


def test_a_taken_number_and_one_that_is_no_address_are_refused(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    for number, said in (("anyang-hospital-2019", "已经有了"), ("../x", "编号写法不对")):
        form = {**opened(desk.writer, draft), "id": number}
        assert said in read(sent(desk.writer, draft, form, "check"))


def test_saving_what_was_published_meanwhile_loses(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    drafting.publish_draft(draft, seen=hash_of(draft), by=desk.users[1], at=NOW)
    with pytest.raises(Lost):
        drafting.save_draft(draft, sheet=blank(), version=1, by=desk.users[0], at=NOW)


def published_meanwhile(desk):
    """What the writer typed into a draft that the second reviewer has published since."""
    draft = a_draft(desk)
    typed = {**opened(desk.writer, draft), RATE: "99"}
    drafting.publish_draft(draft, seen=hash_of(draft), by=desk.users[1], at=NOW)
    return f"/admin/schemes/drafts/{draft.id}", typed


def test_who_typed_into_a_draft_published_meanwhile_is_told_by_whom_and_loses_nothing(app):
    desk = a_desk(app)
    address, typed = published_meanwhile(desk)
    answer = desk.writer.send(address, {**typed, "do": "save"})
    assert answer.status_code == 409
    page = read(answer)
    assert (
        f"{desk.users[1].name} 已于 2024-12-16 09:30 把这份草稿发布为 anyang-hospital-2025" in page
    )
    edition = Edition.get(Edition.code == "anyang-hospital-2025")
    assert f'href="/admin/schemes/{edition.id}"' in page
    assert f'name="{RATE}" value="99"' in page
    checked = desk.writer.send(address, {**typed, "do": "check"}, headers={"HX-Request": "true"})
    assert checked.status_code == 200, "htmx puts it in the place of the form"
    assert 'id="sheet"' in read(checked)
    anew = desk.writer.send(address, {**typed, "do": "anew"})
    assert anew.status_code == 303
    assert form_of(read(desk.writer.get(anew.location)))[RATE] == "99"
    assert Edition.get_by_id(edition.id).plan == edition.plan


def test_toml_for_a_draft_that_was_discarded_meanwhile_is_kept_for_a_new_one(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    drafting.discard_draft(draft, version=1, by=desk.users[1], at=NOW)
    address = f"/admin/schemes/drafts/{draft.id}/toml"
    answer = desk.writer.send(address, {"toml": "id = 'mine'", "version": "1"})
    assert answer.status_code == 409
    assert f"{desk.users[1].name} 已于 2024-12-16 09:30 删除了这份草稿" in read(answer)
    assert "id = &#39;mine&#39;</textarea>" in read(answer)


def test_a_foreign_draft_that_was_published_and_one_that_never_was_are_absent(app):
    desk = a_desk(app)
    address, typed = published_meanwhile(desk)
    foreign = signed_in(app, a_user(Role.REVIEWER, at=a_city("示例外市")))
    assert foreign.send(address, {**typed, "do": "save"}).status_code == 404
    assert desk.writer.send("/admin/schemes/drafts/999", typed).status_code == 404


def test_the_second_reviewer_finds_it_waiting_and_the_writer_does_not(app):
    desk = a_desk(app)
    a_draft(desk)
    assert "份互助计划草稿可以发布" in read(desk.second.get("/admin/"))
    assert "份互助计划草稿可以发布" not in read(desk.writer.get("/admin/"))


# ── A damaged plan stops its own scheme ─────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["{not json", "null", '{"benefit": []}'])
def test_a_damaged_edition_is_told_in_the_lists_and_stops_nothing_else(app, office, text):
    desk = a_desk(app)
    sound = a_published_edition("puyang-hospital-2025", desk.city)
    raw = Value(text, converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == desk.edition.id).execute()
    assert "规则已损坏，已停用" in read(desk.writer.get("/admin/schemes"))
    assert "其他互助计划不受影响" in read(desk.writer.get(f"/admin/schemes/{desk.edition.id}"))
    assert desk.writer.get(f"/admin/schemes/{desk.edition.id}/file").status_code == 303
    page = read(desk.writer.get("/admin/schemes/drafts/new"))
    assert "puyang-hospital-2025" in page
    assert "anyang-hospital-2019" not in page
    form = {"start": "edition", "basis": str(desk.edition.id)}
    assert desk.writer.send("/admin/schemes/drafts/new", form).status_code == 422
    draft = drafting.begin_draft(
        organization=desk.city, basis=sound, sheet=drafting.sheet_after(sound, NOW.date()),
        by=desk.users[0], at=NOW,
    )  # fmt: skip
    seen = hash_of(draft)
    where = f"/admin/schemes/drafts/{draft.id}/publication"
    assert desk.second.send(where, {"seen": seen}).status_code == 303
    site = office.public / "current/anyang/policies"
    assert "已暂停展示和测算" in (site / "anyang-hospital-2019/index.html").read_text()
    assert (site / draft.sheet["id"] / "index.html").exists()


def test_with_a_damaged_edition_every_list_of_the_office_still_opens(app, office):
    enrollment = an_enrollment()
    a_claim(enrollment)
    unit = enrollment.organization
    city = enrollment.edition.organization
    raw = Value("{not json", converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == enrollment.edition_id).execute()
    for place in (city, unit):
        browser = signed_in(app, a_user(*Role, at=place))
        for address in app.url_map.iter_rules():
            where = str(address)
            if "GET" in address.methods and "<" not in where and where.startswith("/admin"):
                assert browser.get(where).status_code < 500, where
    [told] = [f for f in verification.findings(office.files) if "规则" in f]
    assert "zhengzhou-hospital-2023" in told
