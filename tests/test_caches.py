"""What is kept beside the facts for lists to be read by: it follows the facts, and verify asks."""

import re
from datetime import timedelta

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in
from builders_claims import a_claim, a_member
from builders_claims import an_enrollment as a_cover
from builders_enrollment import a_person, an_approved_roster, an_id
from builders_funding import a_paid_roster, a_roster, dues_of, paid
from builders_schemes import a_published_edition

from huigong.admin import renewals
from huigong.admin.claims import listing
from huigong.models import (
    Balance,
    Claimant,
    Due,
    DueStanding,
    DueTotal,
    Member,
    ReceiptWanted,
    Role,
    Scheme,
    Untransferred,
)
from huigong.workflows import agreement, funding


def cards(client, query: str = "") -> list[str]:
    """The three sums above the list of dues, and how many dues it says there are."""
    page = client.get(f"/admin/funding/?{query}").get_data(as_text=True)
    sums = re.findall(r'class="figure">([\d,.]+) ', page)
    return sums + re.findall(r"共 (\d+) 笔应缴", page)


def test_the_sums_of_dues_follow_payments_and_their_reversal_at_every_level(app):
    city = a_city()
    units = [a_unit(a_county(city, f"示例{n}县总工会"), f"示例{n}厂") for n in range(2)]
    due, _ = (dues_of(a_roster(unit, people=2))["unit"] for unit in units)
    payment = paid(due)
    offices = {
        place: signed_in(app, a_user(Role.FINANCE, at=place))
        for place in (city, units[0].parent, units[0])
    }
    every = list(Due.select())
    for place, client in offices.items():
        ours = [one for one in every if one.organization.path.startswith(place.path)]
        owed = sum(one.amount for one in ours)
        assert cards(client, "whose=all") == [
            f"{owed / 100:,.2f}", f"{due.amount / 100:,.2f}", f"{(owed - due.amount) / 100:,.2f}",
            str(len(ours)),
        ]  # fmt: skip
        assert cards(client, "whose=all&state=paid&carrier=unit")[-1] == "1"
        unpaid = sum(one.carrier == "unit" for one in ours) - 1
        assert cards(client, "whose=all&state=unpaid&carrier=unit")[3:] == (
            [str(unpaid)] if unpaid else []
        )
    own = cards(offices[units[0]], "whose=mine")
    assert own == [f"{due.amount / 100:,.2f}"] * 2 + ["0.00", "1"]
    funding.reverse_payment(payment, reason="记错", by=payment.by, at=NOW + timedelta(hours=1))
    assert [cards(client)[1] for client in offices.values()] == ["0.00"] * 3
    assert agreement.disagreements() == []


def _meddle(model, **change):
    row = model.select().order_by(model.id).first()
    model.update(**change).where(model.id == row.id).execute()


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        (lambda: _meddle(DueTotal, amount=1), "应缴合计与清单不符"),
        (lambda: _meddle(DueTotal, dues=7), "应缴合计与清单不符"),
        (lambda: DueTotal.delete().execute(), "应缴合计与清单不符"),
        (lambda: _meddle(DueStanding, carrier="province"), "的缴款方、收款方或期限与清单不同"),
        (lambda: _meddle(DueStanding, owing=5), "清单记 0.05 元"),
        (lambda: _meddle(Balance, amount=1), "账户余额与凭证不符"),
        (lambda: ReceiptWanted.delete().execute(), "是否待开票记错"),
        (lambda: _meddle(Untransferred, amount=1), "应转承办方的款与到账、转款不符"),
        (
            lambda: _meddle(
                Untransferred, scheme=Scheme.create(organization=1, slug="x", name="x")
            ),
            "应转承办方的款与到账、转款不符",
        ),
        (lambda: Untransferred.delete().execute(), "应转承办方的款与到账、转款不符"),
        (lambda: _meddle(Claimant, name="李别人"), "职工姓名或计划与清单不符"),
        (lambda: Claimant.delete().execute(), "职工姓名或计划与清单不符"),
    ],
)
def test_whatever_of_it_is_meddled_with_is_named(office, meddle, words):
    a_paid_roster()
    a_claim()
    assert agreement.disagreements() == []
    meddle()
    assert any(words in sentence for sentence in agreement.disagreements())


@pytest.mark.parametrize("common", [False, True])
def test_a_claim_is_found_by_the_name_its_member_has_now(app, monkeypatch, common):
    if common:  # then every claim met is asked
        monkeypatch.setattr(listing, "MOST_FETCHED", 0)
    edition = a_published_edition("zhengzhou-hospital-2023", a_city("郑州市总工会"))
    unit = a_unit(a_county(edition.organization))
    cover = a_cover(edition, unit, member=a_member(unit, number=an_id()))
    claim = a_claim(cover)
    client = signed_in(app, a_user(Role.REVIEWER, at=cover.edition.organization))

    def found(name: str) -> bool:
        return claim.number in client.get(f"/admin/claims?q={name}").get_data(as_text=True)

    before = cover.member.name
    assert found(before)
    scheme = cover.edition.scheme_id
    page = client.get(f"/admin/claims?scheme={scheme}").get_data(as_text=True)
    assert claim.number in page
    assert claim.number not in client.get("/admin/claims?scheme=999").get_data(as_text=True)
    renamed = a_person(姓名="欧阳新名", 身份证号=cover.member.opened("resident_id"))
    an_approved_roster(cover.organization, people=[renamed])
    assert Member.get_by_id(cover.member_id).name == "欧阳新名"
    assert found("欧阳")
    assert not found(before)
    assert agreement.disagreements() == []


def test_more_people_than_are_counted_wait_for_their_renewal(app, monkeypatch):
    monkeypatch.setattr(renewals, "MOST_ENDING", 2)
    roster = an_approved_roster(people=3)
    client = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    monkeypatch.setattr(renewals.clock, "today", lambda: roster.cover_to - timedelta(days=10))
    page = client.get("/admin/").get_data(as_text=True)
    assert "2 多" in page
    assert "人的保障即将到期" in page
