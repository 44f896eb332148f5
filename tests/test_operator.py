"""Files for a scheme's operator: people out in its columns, its answers back to their rosters."""

import io
from datetime import date

import pytest
from builders import NOW, a_unit, a_user, signed_in
from builders_enrollment import a_county_unit, a_drafted_roster, a_person, an_approved_roster
from builders_gifts import a_given_roster
from builders_operator import a_book, an_answer, answer_taken, out_of, the_rows
from peewee import fn

from huigong import uploads
from huigong.models import (
    AuditEvent,
    Enrollment,
    OperatorAnswer,
    OperatorFile,
    Role,
    Roster,
    Scheme,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import operator
from huigong.workflows.operator import covers
from huigong.workflows.operator import reading as answer_reading

FIRST, LAST = date(2024, 12, 1), date(2024, 12, 31)


@pytest.fixture
def roster(office) -> Roster:
    people = [a_person(姓名=name) for name in ("甲演示", "乙演示", "丙演示")]
    return an_approved_roster(a_county_unit("示例单位"), people=people)


@pytest.fixture
def scheme(roster) -> Scheme:
    return roster.edition.scheme


def by_of(scheme: Scheme):
    return a_user(Role.REVIEWER, at=scheme.organization)


def sent(office, scheme, first=FIRST, last=LAST) -> list[list]:
    """What went out, as the operator reads it, header first."""
    by = by_of(scheme)
    made = operator.send_covers(scheme, first=first, last=last, folder=office.files, by=by, at=NOW)
    return out_of(office, made)


def numbers(roster: Roster) -> list[str]:
    return [cover.member.opened("resident_id") for cover in roster.enrollments]


def test_the_workbook_has_the_operators_columns_in_its_order_and_words(office, scheme):
    columns = [("id_number", "证件号码"), ("name", "被保险人"), ("fee", "保费")]
    operator.save_layout(scheme, "covers", columns=columns, by=by_of(scheme), at=NOW)
    found = sent(office, scheme)
    assert found[0] == ["证件号码", "被保险人", "保费"]
    assert {row[1] for row in found[1:]} == {"甲演示", "乙演示", "丙演示"}
    assert len(found[1][0]) == 18
    assert float(found[1][2]) == 80.0


def test_people_stand_in_the_order_of_their_rosters_and_certificates(office):
    """A city's people are enrolled some thousands at a time, in no promised order."""
    names = ["丙演示", "甲演示", "丁演示", "乙演示"]
    roster = an_approved_roster(a_county_unit(), people=[a_person(姓名=name) for name in names])
    an_approved_roster(a_county_unit("示例乙厂"), people=[a_person(姓名="阿演示")])
    of_roster = list(roster.enrollments.order_by(Enrollment.certificate))
    numbers = [cover.certificate for cover in of_roster]
    for cover, number in zip(of_roster, [*numbers[1:], numbers[0]], strict=True):
        Enrollment.update(certificate=f"-{number}").where(Enrollment.id == cover.id).execute()
    for cover in of_roster:
        plain = fn.SUBSTR(Enrollment.certificate, 2)
        Enrollment.update(certificate=plain).where(Enrollment.id == cover.id).execute()
    found = sent(office, roster.edition.scheme)
    assert [row[0] for row in found[1:5]] == numbers
    assert [row[1] for row in found[1:]] == ["乙演示", "丙演示", "丁演示", "甲演示", "阿演示"]


def test_every_column_can_be_written(office, scheme):
    columns = [(name, title) for name, (title, _) in operator.FIELDS["covers"].items()]
    operator.save_layout(scheme, "covers", columns=columns, by=by_of(scheme), at=NOW)
    assert len(sent(office, scheme)) == 4


def test_the_givers_of_many_are_asked_for_at_once(office, asked_sql):
    marked = [a_person(是否赠送="是"), a_person(), a_person(是否赠送="是")]
    roster, gift = a_given_roster(a_drafted_roster(people=marked), marked=True)
    scheme = roster.edition.scheme
    columns = [("certificate", "凭证号"), ("giver", "赠送方")]
    operator.save_layout(scheme, "covers", columns=columns, by=by_of(scheme), at=NOW)
    by = by_of(scheme)

    def written() -> tuple[int, list[str]]:
        asked_sql.clear()
        made = operator.send_covers(
            scheme, first=FIRST, last=LAST, folder=office.files, by=by, at=NOW
        )
        count = len(asked_sql)
        return count, [row[1] for row in out_of(office, made)[1:]]

    few, names = written()
    assert sorted(names) == ["", gift.name, gift.name]
    for number in range(2):
        unit = a_county_unit(f"示例{number}厂工会")
        a_given_roster(a_drafted_roster(unit, people=4), name=f"示例企业{number}")
    more, names = written()
    assert more == few
    assert names[3:] == ["示例企业0"] * 4 + ["示例企业1"] * 4


def test_only_what_was_approved_within_the_days_goes_out_kept_and_logged(office, scheme):
    before = set(office.files.glob("*"))
    with pytest.raises(Refused, match="没有批准"):
        sent(office, scheme, date(2024, 1, 1), date(2024, 1, 31))
    with pytest.raises(Refused, match="早于"):
        sent(office, scheme, LAST, FIRST)
    assert set(office.files.glob("*")) == before, "nothing is kept of what was refused"
    assert len(sent(office, scheme)) == 4
    file = OperatorFile.get()
    assert (file.number, file.rows, file.stage) == ("CB2024-000001", 3, "sent")
    assert uploads.size_of(office.files, file.file) > 0
    assert AuditEvent.select().where(AuditEvent.deed == "export for operator").count() == 1
    operator.hand_over(file, by=by_of(scheme), at=NOW)
    assert AuditEvent.select().where(AuditEvent.deed == "take operator file").count() == 1


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [("name", "姓名")],
        [("id_number", "号"), ("name", "号")],
        [("id_number", ""), ("x", "y")],
    ],
)
@pytest.mark.parametrize("kind", ["covers", "claims"])
def test_columns_by_which_nobody_is_told_apart_are_refused(scheme, columns, kind):
    with pytest.raises(Refused):
        operator.save_layout(scheme, kind, columns=columns, by=by_of(scheme), at=NOW)


def test_each_kind_of_file_has_columns_of_its_own(scheme):
    by, columns = by_of(scheme), [("id_number", "证件号")]
    operator.save_layout(scheme, "covers", columns=columns, by=by, at=NOW)
    operator.save_layout(scheme, "claims", columns=[("number", "案件号")], by=by, at=NOW)
    operator.save_layout(scheme, "claims", columns=[("number", "赔案号")], by=by, at=NOW)
    assert operator.layout_of(scheme, "covers") == columns
    assert operator.layout_of(scheme, "claims") == [("number", "赔案号")]


def test_the_answer_comes_back_to_its_roster_and_the_latest_counts(office, scheme, roster):
    ids = numbers(roster)
    said = [["身份证号", "结果", "原因"], [ids[0], "承保", ""],
            [ids[1], "拒保", "身份证号与姓名不符"]]  # fmt: skip
    assert answer_taken(office, scheme, "covers", said) == 2
    accepted, rejected = operator.answered(roster)
    assert (accepted, [row.reason for row in rejected]) == (1, ["身份证号与姓名不符"])
    certificate = rejected[0].enrollment.certificate
    answer_taken(office, scheme, "covers", [["凭证号", "承保结果"], [certificate, "通过"]])
    assert operator.answered(roster) == (2, [])
    with pytest.raises(Refused, match="没有新的内容"):
        answer_taken(office, scheme, "covers", said)  # the very same file, after another came
    assert operator.answered(roster) == (2, [])


def test_an_answer_with_faults_is_taken_in_its_clean_rows_alone_and_comes_back(
    office, scheme, roster
):
    ids = numbers(roster)
    file = an_answer(office, scheme, "covers", [
        ["承保回执"], ["身份证号", "结果", "原因"], [ids[0], "承保", ""], [ids[1], "也许", ""],
        [ids[2], "拒保", ""], ["无", "承保", ""], ["合计", "", "3人"],
    ])  # fmt: skip
    by = by_of(scheme)
    found = operator.preview(file, folder=office.files, on=NOW.date())
    assert [number for number, _ in found.faults] == [4, 5, 6]
    with pytest.raises(Refused, match="3 行需要更正"):
        operator.take_answer(file, folder=office.files, clean_only=False, by=by, at=NOW)
    assert not OperatorAnswer.select().exists()
    with operator.own_file_back(file, folder=office.files, on=NOW.date()) as book:
        back = the_rows(book)
    assert back[1] == ["身份证号", "结果", "原因", "错误原因"]
    assert [row[3] for row in back[2:]] == [
        "", "不认识结果“也许”，请填写：承保、拒保", "未承保的须写明原因",
        "没有对应的参保：请核对身份证号或凭证号", "",
    ]  # fmt: skip
    taken = operator.take_answer(file, folder=office.files, clean_only=True, by=by, at=NOW)
    assert (taken, OperatorAnswer.select().count()) == (1, 1)
    with pytest.raises(Lost):
        operator.drop_answer(file, by=by, at=NOW)


def test_a_citys_answer_is_judged_some_rows_at_a_time_each_beside_all_before_it(
    office, scheme, roster, monkeypatch
):
    monkeypatch.setattr(covers, "CHUNK", 2)
    first, second, third = numbers(roster)
    accepted = [[number, "承保", ""] for number in (first, second, third)]
    twice = [[first, "承保", ""], [second, "拒保", "重复"]]
    rows = [["身份证号", "结果", "原因"], *accepted, *twice]
    file = an_answer(office, scheme, "covers", rows)
    found = operator.preview(file, folder=office.files, on=NOW.date())
    assert found.faults == [(5, "与第2行是同一人"), (6, "与第3行是同一人")]
    assert found.counts == [("承保", 3), ("未承保", 0)]
    taken = operator.take_answer(
        file, folder=office.files, clean_only=True, by=by_of(scheme), at=NOW
    )
    assert (taken, operator.answered(roster)) == (3, (3, []))
    again = an_answer(office, scheme, "covers", rows)
    found = operator.preview(again, folder=office.files, on=NOW.date())
    assert (found.judged.fresh, found.judged.known, len(found.faults)) == ([], 3, 2)


@pytest.mark.parametrize("kind", ["covers", "claims"])
def test_an_answer_of_more_rows_than_a_page_can_look_through_is_not_kept(
    office, scheme, monkeypatch, kind
):
    monkeypatch.setitem(answer_reading.MOST_ROWS, kind, 2)
    rows = [["身份证号", "结果"], *(["41999919800506001X", "承保"] for _ in range(3))]
    with pytest.raises(Refused, match="一份回执最多 2 行，请分成几份上传"):
        an_answer(office, scheme, kind, rows)
    assert not OperatorFile.select().exists()


def test_what_is_no_answer_is_not_kept(office, scheme):
    for rows in ([["甲", "乙"], ["1", "2"]], [["身份证号", "结果"], ["", ""]]):
        with pytest.raises(Refused):
            an_answer(office, scheme, "covers", rows)
    assert not OperatorFile.select().exists()


def test_the_pages(app, office, scheme, roster):
    reviewer = signed_in(app, by_of(scheme))
    assert scheme.name in reviewer.get("/admin/operator").get_data(as_text=True)
    there = f"/admin/operator/{scheme.id}/covers"
    assert "还没有往来文件" in reviewer.get(there).get_data(as_text=True)
    form = {"place-id_number": "1", "title-id_number": "证件号"}
    assert reviewer.get(f"{there}/layout").status_code == 200
    assert reviewer.send(f"{there}/layout", {"place-name": "1"}).status_code == 422
    assert reviewer.send(f"{there}/layout", form).status_code == 303
    wrong = reviewer.send(f"{there}/out", {"first": "", "last": "十二月"})
    assert (wrong.status_code, wrong.get_data(as_text=True).count('class="wrong"')) == (422, 2)
    got = reviewer.send(f"{there}/out", {"first": "2024-12-01", "last": "2024-12-31"})
    assert reviewer.get(got.location).status_code == 200
    assert reviewer.send(f"{got.location}/download").data[:2] == b"PK"
    rows = [["证件号", "结果", "原因", "办理机构"], [numbers(roster)[0], "拒保", "重复", "示例"]]
    file = (io.BytesIO(a_book(rows)), "回执.xlsx")
    assert reviewer.get(f"{there}/answer").status_code == 200
    kept = reviewer.send(f"{there}/answer", {"file": file}).location
    page = reviewer.get(kept).get_data(as_text=True)
    assert "未承保：<strong>1</strong>" in page
    assert "没有读的列：办理机构（D列）" in page
    assert reviewer.send(kept).location.endswith(kept)
    assert "已登记 1 行回执" in reviewer.get(kept).get_data(as_text=True)
    assert reviewer.send(kept).status_code == 409
    assert reviewer.send(f"{there}/answer", {}).status_code == 422
    page = reviewer.get(f"/admin/rosters/{roster.id}/operator").get_data(as_text=True)
    assert "重复" in page
    assert reviewer.get(f"/admin/operator/{scheme.id}/others").status_code == 404


def test_those_below_the_runner_do_not_take_the_citys_people(app, office, scheme, roster):
    """A scheme is seen by those below it; its people are not."""
    below = signed_in(app, a_user(Role.REVIEWER, at=a_unit(roster.organization.parent)))
    there = f"/admin/operator/{scheme.id}/covers"
    assert below.get(there).status_code == 404
    days = {"first": "2024-12-01", "last": "2024-12-31"}
    assert below.send(f"{there}/out", days).status_code == 404
    assert "本级没有" in below.get("/admin/operator").get_data(as_text=True)
    sent(office, scheme)
    file = OperatorFile.get()
    assert below.get(f"/admin/operator/files/{file.id}").status_code == 404
    assert below.send(f"/admin/operator/files/{file.id}/download").status_code == 404
    auditor = signed_in(app, a_user(Role.AUDITOR, at=scheme.organization))
    assert auditor.get(f"/admin/operator/files/{file.id}").status_code == 200
    assert auditor.send(f"/admin/operator/files/{file.id}/download").status_code == 403
