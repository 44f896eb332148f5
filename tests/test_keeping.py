"""Kept files: each that the office names is there and opens, or `huigong verify` and the page
where somebody asks for it say what is wrong."""

import io

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in
from builders_claims import a_claim, a_member
from builders_enrollment import a_drafted_roster, a_roster_file, an_approved_roster, kept_in
from builders_schemes import a_published_edition
from builders_statements import a_kept_statement, a_line, as_csv
from peewee import TextField
from test_operator_work import an_answer_of, uploaded, work_off

from huigong import identity, uploads
from huigong.models import (
    TABLES,
    AgeProof,
    AuditEvent,
    Document,
    Opening,
    OperatorFile,
    Role,
    Statement,
    UnitApplication,
)
from huigong.workflows import corrections, enrollment, keeping, verification

PDF = b"%PDF-1.4 sample"


def kept(office, content=PDF, name="证明.pdf"):
    return uploads.keep_paper(office.files, io.BytesIO(content), name=name, field="proof")


def a_paper(office, claim=None):
    """A paper of a claim."""
    claim, file = claim or a_claim(), kept(office)
    return Document.create(
        organization=claim.organization, claim=claim, kind="医保结算单", name=file.name,
        file=file.file, size=file.size, sha256=file.sha256, by=claim.filed_by, at=NOW,
    )  # fmt: skip


def a_correction(office):
    member = a_member(a_unit(a_city()), number=identity.complete_id("94184019800101111"))
    by = a_user(Role.CLERK, at=member.organization)
    return corrections.ask_id_correction(
        member, resident_id=identity.complete_id("94184019850203111"), reason="录错",
        proof=kept(office), by=by, at=NOW,
    )  # fmt: skip


def an_application(office):
    return UnitApplication.create(
        organization=a_county(a_city()), name="示例厂工会", code="x", contact_name="演示",
        contact_phone="13800000000", proof=kept(office).file, proof_name="证明.pdf", applied_at=NOW,
    )  # fmt: skip


def an_opening(office):
    city, file = a_city(), kept(office)
    by = a_user(Role.ADMINISTRATOR, at=city)
    return Opening.create(
        organization=city, kind="covers", file=file.file, file_name="期初.xlsx",
        sha256=file.sha256, by=by, at=NOW,
    )  # fmt: skip


def an_age_proof(office):
    roster, file = a_drafted_roster(), kept(office)
    return AgeProof.create(
        organization=roster.organization, roster=roster, id_index="x", file=file.file,
        file_name=file.name, sha256=file.sha256, by=roster.made_by, at=NOW,
    )  # fmt: skip


def a_statement(office):
    return a_kept_statement(a_city(), office.files, as_csv([a_line("1.00")]))


def an_operators_file(office):
    edition, file = a_published_edition("anyang-hospital-2019", city := a_city()), kept(office)
    return OperatorFile.create(
        organization=city, scheme=edition.scheme, number="CB2024-000001", kind="covers", way="out",
        stage="sent", file=file.file, file_name=file.name, by=a_user(Role.FINANCE, at=city), at=NOW,
    )  # fmt: skip


def a_marked_answer(office):
    roster = an_approved_roster()
    file = uploaded(office, roster.edition.scheme, an_answer_of(roster, wrong=1))
    work_off(office)
    return file.jobs.get()


def a_new_file(office):
    roster = a_drafted_roster()
    new = kept_in(office.files, a_roster_file(2), "更正.xlsx")
    enrollment.restage_in_background(roster, kept=new, by=roster.made_by, at=NOW)
    return roster.new_files.get()


NAMING = {
    "名册的新文件": (a_new_file, "file"),
    "标出错误的承办方回执": (a_marked_answer, "marked"),
    "承办方文件": (an_operators_file, "file"),
    "申领材料": (a_paper, "file"),
    "身份证更正申请": (a_correction, "proof"),
    "单位登记申请": (an_application, "proof"),
    "期初数据": (an_opening, "file"),
    "名册": (lambda office: a_drafted_roster(), "file"),
    "超龄证明": (an_age_proof, "file"),
    "对账单": (a_statement, "file"),
}


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("words", NAMING)
def test_verify_names_every_kind_of_kept_file_that_is_gone_or_does_not_open(office, words):
    make, column = NAMING[words]
    row = make(office)
    assert verification.findings(office.files) == []
    path = office.files / getattr(row, column)
    cut(path)
    assert verification.findings(office.files) == [f"{words} {row.id} 的文件被改动过，打不开"]
    path.unlink()
    assert verification.findings(office.files) == [f"{words} {row.id} 的文件不在"]


def test_no_table_that_names_a_kept_file_is_left_out():
    naming = {
        (model, field.name)
        for model in TABLES
        for field in model._meta.sorted_fields
        if isinstance(field, TextField) and field.name in ("file", "proof", "marked")
    }
    assert {(kind.model, kind.column.name) for kind in keeping.KINDS} == naming
    assert {kind.words for kind in keeping.KINDS} == set(NAMING)


def test_another_file_under_a_papers_name_is_found(office):
    claim = a_claim()
    paper, other = a_paper(office, claim), kept(office, PDF + b" other")
    (office.files / other.file).replace(office.files / paper.file)
    assert verification.findings(office.files) == [f"申领材料 {paper.id} 的文件被改动过，打不开"]
    twin = a_paper(office, claim)
    Document.update(sha256="0" * 64).where(Document.id == twin.id).execute()
    assert f"申领材料 {twin.id} 的文件被改动过" in verification.findings(office.files)


def test_what_was_withdrawn_or_never_read_needs_no_file(office):
    roster = a_drafted_roster()
    enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)
    uploads.drop(office.files, roster.file)
    opening = an_opening(office)
    Opening.update(stage="withdrawn").execute()
    uploads.drop(office.files, opening.file)
    assert verification.findings(office.files) == []


def test_every_file_is_looked_at_once_and_counted(office, monkeypatch):
    monkeypatch.setattr(keeping, "_AT_ONCE", 3)
    claim = a_claim()
    papers = [a_paper(office, claim) for _ in range(20)]
    roster = a_drafted_roster()
    second = a_drafted_roster()
    type(roster).update(file=roster.file).where(type(roster).id == second.id).execute()
    told = []
    examined = keeping.examine(office.files, told=told.append)
    assert (examined.total, examined.opened, sum(told)) == (21, 21, 21)
    assert keeping.count() == 21
    for paper in papers[::2]:
        (office.files / paper.file).unlink()
    assert len(keeping.examine(office.files).found) == 10


def test_when_its_time_is_over_the_rest_is_still_looked_for(office):
    claim = a_claim()
    papers = [a_paper(office, claim) for _ in range(4)]
    cut(office.files / papers[0].file)
    (office.files / papers[1].file).unlink()
    examined = keeping.examine(office.files, seconds=1e-9)
    assert (examined.total, examined.opened) == (4, 0)
    assert examined.found == [f"申领材料 {papers[1].id} 的文件不在"]


# ── asked for on a page ─────────────────────────────────────────────────────────────────────


def addresses(office):
    """(who may ask, address, the kept file) of every paper that is handed over."""
    paper, correction = a_paper(office), a_correction(office)
    application, proof = an_application(office), an_age_proof(office)
    return {
        "paper": (Role.REVIEWER, paper, f"claims/{paper.claim_id}/papers/{paper.id}", paper.file),
        "correction": (
            Role.REVIEWER, correction, f"id-corrections/{correction.id}/proof", correction.proof),
        "application": (
            Role.ADMINISTRATOR, application, f"applications/{application.id}/proof",
            application.proof),
        "age": (Role.REVIEWER, proof, f"age-proofs/{proof.id}", proof.file),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["paper", "correction", "application", "age"])
def test_a_paper_that_is_gone_or_damaged_gets_a_page_that_says_so(app, office, kind):
    role, row, address, file = addresses(office)[kind]
    reader = signed_in(app, a_user(role, at=row.organization))
    answer = reader.get(f"/admin/{address}")
    assert answer.data == PDF
    logged = AuditEvent.select().count()
    cut(office.files / file)
    answer = reader.get(f"/admin/{address}")
    assert answer.status_code == 409
    assert "不完整或被改动过" in answer.text
    (office.files / file).unlink()
    answer = reader.get(f"/admin/{address}")
    assert answer.status_code == 404
    assert "保管的地方却没有它" in answer.text
    assert AuditEvent.select().count() == logged, "nobody read it"


def test_handing_over_a_file_to_the_operator_is_logged_once_it_has_opened(app, office):
    file = an_operators_file(office)
    sender = signed_in(app, file.by)
    taken = AuditEvent.select().where(AuditEvent.deed == "take operator file")
    cut(office.files / file.file)
    assert sender.send(f"/admin/operator/files/{file.id}/download").status_code == 409
    assert not taken.exists()


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_workbook_that_is_lost_stops_its_deed_with_a_page(app, office, damage):
    statement, opening = a_statement(office), an_opening(office)
    roster = a_drafted_roster(content="姓名,身份证号,星座\n张三,419999198005060013,狮子\n".encode())
    for file in (statement.file, opening.file, roster.file):
        cut(office.files / file) if damage == "cut" else (office.files / file).unlink()
    status = 409 if damage == "cut" else 404
    finance = signed_in(app, a_user(Role.FINANCE, at=statement.organization))
    second = signed_in(app, a_user(Role.ADMINISTRATOR, at=opening.organization))
    clerk = signed_in(app, roster.made_by)
    assert finance.get(f"/admin/statements/{statement.id}/").status_code == status
    assert second.send(f"/admin/opening/{opening.id}/book").status_code == status
    assert Opening.get_by_id(opening.id).stage == "checked"
    assert Statement.get_by_id(statement.id).stage == "kept"
    for page in ("", "/columns", "/faults", "/submit"):
        assert clerk.get(f"/admin/rosters/{roster.id}{page}").status_code < 500, page
    answer = clerk.send(f"/admin/rosters/{roster.id}/columns", {"C": ""})
    assert answer.status_code < 500
