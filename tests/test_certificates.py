"""Certificates of cover: on the screen, as a PDF, and checked by anybody who holds one."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date

import pytest
from builders import NOW, TODAY, PageClient, a_user, signed_in
from builders_claims import an_enrollment

from huigong.app import make_app
from huigong.models import Enrollment, Role
from huigong.workflows.enrollment import certificates

PDFTOTEXT = shutil.which("pdftotext")


@pytest.fixture
def cover(office) -> Enrollment:
    return an_enrollment(cover_from=date(2024, 7, 1))


def tail(cover: Enrollment) -> str:
    return cover.member.opened("resident_id")[-4:]


def test_a_certificate_in_force_is_valid_and_says_only_its_dates(app, cover):
    form = {"number": cover.certificate.lower(), "tail": tail(cover)}
    page = app.test_client().send("/certificate-check", form).get_data(as_text=True)
    assert "有效" in page
    assert "2024年7月1日 至 2025年6月30日" in page
    assert cover.member.name not in page
    assert cover.organization.name not in page


def test_an_unknown_number_and_a_wrong_tail_are_the_same_answer(app, cover):
    client = app.test_client()
    wrong = "0000" if tail(cover) != "0000" else "0001"
    pages = [
        client.send("/certificate-check", {"number": number, "tail": said})
        for number, said in ((cover.certificate, wrong), ("C99999999", tail(cover)))
    ]
    said = [re.sub(r'value="[^"]*"', "", page.get_data(as_text=True)) for page in pages]
    assert said[0] == said[1]
    assert "没有查到" in said[0]


def test_the_qr_code_answers_at_once_and_cannot_be_made_up(app, cover):
    client, token = app.test_client(), certificates.token_of(cover.certificate)
    there = f"/certificate-check?c={cover.certificate}&t="
    assert "有效" in client.get(there + token).get_data(as_text=True)
    assert "没有查到" in client.get(there + "0" * 32).get_data(as_text=True)
    assert "没有查到" in client.get(there + "汉").get_data(as_text=True)
    other = an_enrollment(cover.edition)
    assert "没有查到" in client.get(f"/certificate-check?c={other.certificate}&t={token}").text


@pytest.mark.parametrize(
    ("change", "on", "valid"),
    [
        ({}, date(2024, 7, 1), True),
        ({}, date(2025, 6, 30), True),
        ({}, date(2025, 7, 1), False),
        ({}, date(2024, 6, 1), True),  # paid, not yet begun: valid with its dates
        ({"left_on": date(2024, 9, 1)}, date(2024, 9, 2), False),
    ],
)
def test_it_holds_from_its_first_to_its_last_day(cover, change, on, valid):
    if change:
        Enrollment.update(**change).where(Enrollment.id == cover.id).execute()
    checked = certificates.check(cover.certificate, on=on, tail=tail(cover))
    assert checked is not None
    assert checked.valid is valid


def test_what_is_not_paid_is_not_valid(office):
    from builders_enrollment import an_approved_roster

    unpaid = an_approved_roster(people=1).enrollments.get()
    assert certificates.check(unpaid.certificate, on=TODAY, tail=tail(unpaid)).valid is False


def test_guessing_is_slowed_down(app, cover):
    client = app.test_client()
    form = {"number": cover.certificate, "tail": "0000"}
    answers = [client.send("/certificate-check", form).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    assert client.send("/certificate-check", {"number": "x", "tail": ""}).status_code == 422


def test_the_certificate_shows_its_code_and_comes_as_a_pdf(app, cover):
    clerk = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    page = clerk.get(f"/admin/certificates/{cover.id}").get_data(as_text=True)
    assert "<svg role=" in page
    assert "style=" not in page
    got = clerk.get(f"/admin/certificates/{cover.id}.pdf")
    if certificates.font() is None:
        assert got.status_code == 404
        assert "没有中文字体" in page
    else:
        assert got.data.startswith(b"%PDF")
        assert got.mimetype == "application/pdf"


@pytest.mark.skipif(PDFTOTEXT is None, reason="poppler is not installed")
@pytest.mark.parametrize("is_demo", [True, False])
def test_a_pdf_of_the_demonstration_says_that_it_proves_nothing(office, cover, is_demo):
    app = make_app(replace(office, is_demo=is_demo))
    app.test_client_class = PageClient
    clerk = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    got = clerk.get(f"/admin/certificates/{cover.id}.pdf").data
    said = subprocess.run([PDFTOTEXT, "-", "-"], input=got, capture_output=True, check=True)
    assert cover.certificate in said.stdout.decode()
    assert ("演示，不作为凭证" in said.stdout.decode()) is is_demo


def test_without_a_font_there_is_the_page_to_print(app, cover, monkeypatch):
    monkeypatch.setattr(certificates, "font", lambda: None)
    clerk = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    assert "没有中文字体" in clerk.get(f"/admin/certificates/{cover.id}").get_data(as_text=True)
    assert clerk.get(f"/admin/certificates/{cover.id}.pdf").status_code == 404
    with pytest.raises(ValueError, match="font"):
        certificates.pdf_of(cover, words="保障中", address="x", on=NOW.date())
