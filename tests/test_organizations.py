import io

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, an_organization, signed_in

from huigong import clock, identity
from huigong.models import AuditEvent, Level, Organization, Role, UnitApplication
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import accounts, organizations

CODE = identity.complete_credit_code("91410100MA0000000")
PAPER = Kept("0" * 32, "证明.pdf", 10, "0" * 64)


def an_application(to: Organization, code: str = CODE, **more) -> UnitApplication:
    asked = {
        "name": "示例纺织有限公司工会",
        "contact_name": "演示甲",
        "contact_phone": "13800000000",
        "address": "",
        "proof": PAPER,
    }
    return organizations.apply_for_unit(organization=to, code=code, at=NOW, **{**asked, **more})


def the_form(to: Organization, **more) -> dict:
    return {
        "organization": to.id,
        "name": "示例纺织有限公司工会",
        "code": CODE,
        "contact_name": "演示甲",
        "contact_phone": "0371-66660000",
        "address": "",
        "proof": (io.BytesIO(b"%PDF-1.7 a stamped paper"), "营业执照.pdf"),
        **more,
    }


def test_a_city_founds_its_counties_and_a_county_its_units(office):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    county = organizations.found(name="荥阳示例工会", level="county", parent=city, by=boss, at=NOW)
    unit = organizations.found(name="示例厂工会", level="unit", parent=county, by=boss, at=NOW)
    assert unit.lineage == [*city.lineage, county.id, unit.id]
    assert county.pinyin.startswith("xing yang")


@pytest.mark.parametrize("level", ["province", "city", "nonsense", ""])
def test_no_organization_is_founded_at_or_above_its_parent_s_level(office, level):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    with pytest.raises(Refused) as refused:
        organizations.found(name="示例工会", level=level, parent=city, by=boss, at=NOW)
    assert "level" in refused.value.by_field()


def test_nobody_founds_below_what_they_do_not_administrate(office):
    city, other = a_city(), a_city("另一示例市总工会")
    for by in (a_user(Role.ADMINISTRATOR, at=other), a_user(Role.REVIEWER, at=city)):
        with pytest.raises(Refused, match="管辖范围"):
            organizations.found(name="示例县工会", level="county", parent=city, by=by, at=NOW)


def test_siblings_have_different_names_and_codes_are_used_once(office):
    city = a_city()
    an_organization("示例厂工会", Level.UNIT, city, code=CODE)
    with pytest.raises(Refused) as refused:
        organizations.found(
            name="示例厂工会", level="unit", parent=city, code=CODE, by=None, at=NOW
        )
    assert set(refused.value.by_field()) == {"name", "code"}


def test_a_unit_registers_itself_and_the_level_above_hands_over_a_link(app):
    county = a_county(a_city())
    visitor, boss = app.test_client(), signed_in(app, a_user(Role.ADMINISTRATOR, at=county))
    assert visitor.get("/admin/register").status_code == 200
    assert visitor.send("/admin/register", the_form(county)).status_code == 303
    assert "1" in boss.get("/admin/").get_data(as_text=True)
    application = UnitApplication.get()
    address = f"/admin/applications/{application.id}"
    assert "演示甲" in boss.get(address).get_data(as_text=True)
    decided = boss.send(address, {"approve": "yes"})
    assert decided.status_code == 303
    page = boss.get(decided.location).get_data(as_text=True)
    token = page.split("/admin/password/")[1].split('"')[0]
    again = boss.get(decided.location).get_data(as_text=True)
    assert "/admin/password/" not in again, "the link is shown once"
    clerk = app.test_client()
    chosen = {"password": "a long password", "again": "a long password"}
    assert clerk.send(f"/admin/password/{token}", chosen).status_code == 303
    entered = clerk.send("/admin/sign-in", {"login": CODE, "password": "a long password"})
    assert entered.status_code == 303
    unit = UnitApplication.get().unit
    assert unit.parent == county
    assert "经办人" in clerk.get("/admin/me").get_data(as_text=True)


def test_the_proof_downloads_and_never_opens_in_the_office(app):
    city = a_city()
    script = b"%PDF-1.7 <script>alert(1)</script>"
    form = the_form(city, proof=(io.BytesIO(script), "../证 明.html"))
    assert app.test_client().send("/admin/register", form).status_code == 303
    boss = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    sent = boss.get(f"/admin/applications/{UnitApplication.get().id}/proof")
    assert sent.data == script
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert sent.mimetype == "application/octet-stream"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    sent.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "长" * 101),
        ("code", ""),
        ("code", "91410100MA00000000"),
        ("contact_name", ""),
        ("contact_phone", "12345"),
        ("address", "长" * 101),
        ("organization", ""),
        ("organization", "999999"),
        ("organization", "x"),
        ("proof", (io.BytesIO(b""), "空.pdf")),
        ("proof", (io.BytesIO(b"MZ not a paper"), "假.pdf")),
        ("proof", ""),
    ],
)
def test_a_wrong_field_comes_back_beside_itself_and_nothing_is_kept(app, office, field, value):
    city = a_city()
    sent = app.test_client().send("/admin/register", the_form(city, **{field: value}))
    page = sent.get_data(as_text=True)
    assert sent.status_code == 422
    assert f'href="#{field}"' in page
    assert field == "name" or "示例纺织有限公司工会" in page, "typed text is kept"
    assert not UnitApplication.select().exists()
    assert not list(office.files.glob("*")), "no file of a refused application stays"


def test_all_faults_come_back_at_once(app):
    a_city()
    sent = app.test_client().send("/admin/register", {"organization": ""})
    page = sent.get_data(as_text=True)
    for field in ("organization", "name", "code", "contact_name", "contact_phone", "proof"):
        assert f'href="#{field}"' in page


def test_a_unit_is_not_registered_at_a_province_or_another_unit(office):
    city = a_city()
    for wrong in (city.parent, a_unit(city)):
        with pytest.raises(Refused) as refused:
            an_application(wrong)
        assert "organization" in refused.value.by_field()


def test_one_code_has_one_open_application_anywhere(office):
    city = a_city()
    first = an_application(city)
    with pytest.raises(Refused, match="等待审核"):
        an_application(a_county(city), name="又一个名称工会")
    boss = a_user(Role.ADMINISTRATOR, at=city)
    organizations.decide_application(first, approve=False, reason="章不清楚", by=boss, at=NOW)
    assert an_application(city).stage == "applied"


def test_a_flood_of_applications_is_refused(office, monkeypatch):
    monkeypatch.setattr(organizations, "MOST_A_DAY", 2)
    city = a_city()
    for number in range(2):
        code = identity.complete_credit_code(f"91410100MA000010{number}")
        an_application(city, code, name=f"示例{number}厂工会")
    with pytest.raises(Refused, match="过多"):
        an_application(city)


def test_a_refusal_needs_a_reason_and_opens_nothing(office):
    city = a_city()
    boss, application = a_user(Role.ADMINISTRATOR, at=city), an_application(city)
    with pytest.raises(Refused) as refused:
        organizations.decide_application(application, approve=False, reason=" ", by=boss, at=NOW)
    assert "reason" in refused.value.by_field()
    decided = organizations.decide_application(
        application, approve=False, reason="证明没有盖章", by=boss, at=NOW
    )
    assert (decided.unit, decided.clerk, decided.link) == (None, None, "")
    assert not Organization.select().where(Organization.code == CODE).exists()


def test_the_second_of_two_decisions_on_one_application_loses(app):
    city = a_city()
    boss, application = a_user(Role.ADMINISTRATOR, at=city), an_application(city)
    stale = UnitApplication.get_by_id(application.id)
    organizations.decide_application(application, approve=True, reason="", by=boss, at=NOW)
    with pytest.raises(Lost):
        organizations.decide_application(stale, approve=False, reason="迟了", by=boss, at=NOW)
    answer = signed_in(app, boss).send(f"/admin/applications/{stale.id}", {"approve": "yes"})
    assert answer.status_code == 409
    assert Organization.select().where(Organization.code == CODE).count() == 1


def test_an_approval_that_cannot_found_the_unit_decides_nothing(office):
    city = a_city()
    boss, application = a_user(Role.ADMINISTRATOR, at=city), an_application(city)
    an_organization("示例纺织有限公司工会", Level.UNIT, city)
    with pytest.raises(Refused):
        organizations.decide_application(application, approve=True, reason="", by=boss, at=NOW)
    assert UnitApplication.get().stage == "applied"


def test_the_list_shows_only_the_subtree_and_filters_by_level(app):
    city, other = a_city(), a_city("外地总工会")
    county = a_county(city, "中牟示例工会")
    client = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    page = client.get("/admin/organizations").get_data(as_text=True)
    assert county.name in page
    assert other.name not in page
    page = client.get("/admin/organizations?level=county&q=示例").get_data(as_text=True)
    assert f">{city.name}</a>" not in page
    assert f">{county.name}</a>" in page
    assert "没有符合条件" in client.get("/admin/organizations?q=nowhere").get_data(as_text=True)


def test_an_administrator_corrects_a_unit_s_contact(app):
    city = a_city()
    unit = a_unit(city, "示例厂工会")
    client = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    address = f"/admin/organizations/{unit.id}/edit"
    form = {"name": unit.name, "contact_name": "演示乙", "contact_phone": "1"}
    assert client.send(address, form).status_code == 422
    form["contact_phone"] = "0371-66660000"
    assert client.send(address, form).status_code == 303
    assert Organization.get_by_id(unit.id).contact_name == "演示乙"


def test_what_happens_to_an_application_is_in_the_log(office):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    organizations.decide_application(
        an_application(city), approve=True, reason="", by=boss, at=NOW, link_at=clock.real_now()
    )
    deeds = [event.deed for event in AuditEvent.select().order_by(AuditEvent.id)]
    assert deeds == [
        "apply for unit", "approve unit", "found organization", "open account", "make link",
    ]  # fmt: skip


def test_a_first_clerk_may_not_be_opened_under_a_taken_login(office):
    city = a_city()
    boss, application = a_user(Role.ADMINISTRATOR, at=city), an_application(city)
    accounts.open_account(
        name="演示丙", login="taken", organization=city, roles=[Role.CLERK], by=boss, at=NOW
    )
    with pytest.raises(Refused) as refused:
        organizations.decide_application(
            application, approve=True, reason="", login="Taken", by=boss, at=NOW
        )
    assert "login" in refused.value.by_field()
