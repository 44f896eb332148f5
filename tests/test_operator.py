"""Files for a scheme's operator: out in its columns, its answer back to the roster."""

import io
from datetime import date
from pathlib import Path

import pytest
from builders import NOW, a_unit, a_user, signed_in
from builders_enrollment import a_county_unit, a_drafted_roster, a_person, an_approved_roster
from test_gifts import a_given_roster

from huigong.models import AuditEvent, OperatorAnswer, Role, Roster, Scheme
from huigong.refusals import Refused
from huigong.sheets import Column, read_rows, write_workbook
from huigong.workflows.enrollment import operator

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


def workbook(folder: Path, titles: list[str], rows: list[list[str]]) -> Path:
    path = folder / f"answer{len(list(folder.iterdir()))}.xlsx"
    write_workbook(path, [Column(title) for title in titles], rows)
    return path


def numbers(roster: Roster) -> list[str]:
    return [cover.member.opened("resident_id") for cover in roster.enrollments]


def test_the_workbook_has_the_operators_columns_in_its_order_and_words(scheme, tmp_path):
    columns = [("id_number", "证件号码"), ("name", "被保险人"), ("fee", "保费")]
    operator.save_layout(scheme, columns=columns, by=by_of(scheme), at=NOW)
    path = tmp_path / "out.xlsx"
    with path.open("wb") as target:
        assert operator.write_out(scheme, FIRST, LAST, target) == 3
    with read_rows(path) as rows:
        found = [row for _, row in rows]
    assert found[0] == ["证件号码", "被保险人", "保费"]
    assert [row[1] for row in found[1:]] == ["甲演示", "乙演示", "丙演示"]
    assert len(found[1][0]) == 18
    assert float(found[1][2]) == 80.0


def test_every_column_can_be_written(scheme, tmp_path):
    columns = [(name, title) for name, (title, _) in operator.FIELDS.items()]
    operator.save_layout(scheme, columns=columns, by=by_of(scheme), at=NOW)
    with (tmp_path / "out.xlsx").open("wb") as target:
        assert operator.write_out(scheme, FIRST, LAST, target) == 3


def test_the_givers_of_many_are_asked_for_at_once(office, asked_sql, tmp_path):
    marked = [a_person(是否赠送="是"), a_person(), a_person(是否赠送="是")]
    roster, gift = a_given_roster(a_drafted_roster(people=marked), marked=True)
    scheme, path = roster.edition.scheme, tmp_path / "out.xlsx"
    columns = [("certificate", "凭证号"), ("giver", "赠送方")]
    operator.save_layout(scheme, columns=columns, by=by_of(scheme), at=NOW)

    def written() -> int:
        asked_sql.clear()
        with path.open("wb") as target:
            operator.write_out(scheme, FIRST, LAST, target)
        return len(asked_sql)

    few = written()
    with read_rows(path) as rows:
        assert [row[1] for _, row in rows][1:] == [gift.name, "", gift.name]
    for number in range(2):
        unit = a_county_unit(f"示例{number}厂工会")
        a_given_roster(a_drafted_roster(unit, people=4), name=f"示例企业{number}")
    assert written() == few
    with read_rows(path) as rows:
        assert [row[1] for _, row in rows][4:] == ["示例企业0"] * 4 + ["示例企业1"] * 4


def test_only_what_was_approved_within_the_days_goes_out_and_that_is_logged(scheme):
    by = by_of(scheme)
    with pytest.raises(Refused, match="没有批准"):
        operator.hand_out(scheme, first=date(2024, 1, 1), last=date(2024, 1, 31), by=by, at=NOW)
    with pytest.raises(Refused, match="早于"):
        operator.hand_out(scheme, first=LAST, last=FIRST, by=by, at=NOW)
    assert operator.hand_out(scheme, first=FIRST, last=LAST, by=by, at=NOW) == 3
    assert AuditEvent.select().where(AuditEvent.deed == "export for operator").count() == 1


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [("name", "姓名")],
        [("id_number", "号"), ("name", "号")],
        [("id_number", ""), ("x", "y")],
    ],
)
def test_columns_by_which_nobody_is_told_apart_are_refused(scheme, columns):
    with pytest.raises(Refused):
        operator.save_layout(scheme, columns=columns, by=by_of(scheme), at=NOW)


def test_the_answer_comes_back_to_its_roster_and_the_latest_counts(scheme, roster, tmp_path):
    by, ids = by_of(scheme), numbers(roster)
    said = [[ids[0], "承保", ""], [ids[1], "拒保", "身份证号与姓名不符"]]
    path = workbook(tmp_path, ["身份证号", "结果", "原因"], said)
    assert operator.take_answer(scheme, file=path, by=by, at=NOW) == (1, 1)
    accepted, rejected = operator.answered(roster)
    assert (accepted, [row.reason for row in rejected]) == (1, ["身份证号与姓名不符"])
    certificate = rejected[0].enrollment.certificate
    again = workbook(tmp_path, ["凭证号", "承保结果"], [[certificate, "通过"]])
    operator.take_answer(scheme, file=again, by=by, at=NOW)
    assert operator.answered(roster) == (2, [])


def test_an_answer_with_faults_is_not_taken_at_all(scheme, roster, tmp_path):
    ids = numbers(roster)
    said = [[ids[0], "承保", ""], [ids[1], "也许", ""], [ids[2], "拒保", ""], ["无", "承保", ""]]
    path = workbook(tmp_path, ["身份证号", "结果", "原因"], said)
    with pytest.raises(Refused) as refused:
        operator.take_answer(scheme, file=path, by=by_of(scheme), at=NOW)
    assert [message[:3] for _, message in refused.value.faults] == ["第3行", "第4行", "第5行"]
    assert not OperatorAnswer.select().exists()
    none = workbook(tmp_path, ["甲", "乙"], [["1", "2"]])
    with pytest.raises(Refused, match="没有找到"):
        operator.take_answer(scheme, file=none, by=by_of(scheme), at=NOW)


def test_the_pages(app, scheme, roster, tmp_path):
    reviewer = signed_in(app, by_of(scheme))
    assert scheme.name in reviewer.get("/admin/operator").get_data(as_text=True)
    there = f"/admin/operator/{scheme.id}"
    assert reviewer.get(there).status_code == 200
    form = {"place-id_number": "1", "title-id_number": "证件号"}
    assert reviewer.send(f"{there}/layout", {"place-name": "1"}).status_code == 422
    assert reviewer.send(f"{there}/layout", form).status_code == 303
    assert reviewer.send(f"{there}/out", {"first": "", "last": "2024-12-31"}).status_code == 422
    got = reviewer.send(f"{there}/out", {"first": "2024-12-01", "last": "2024-12-31"})
    assert got.data[:2] == b"PK"
    path = workbook(tmp_path, ["证件号", "结果", "原因"], [[numbers(roster)[0], "拒保", "重复"]])
    file = (io.BytesIO(path.read_bytes()), "回执.xlsx")
    assert reviewer.send(f"{there}/answer", {"file": file}).status_code == 303
    assert reviewer.send(f"{there}/answer", {}).status_code == 422
    page = reviewer.get(f"/admin/rosters/{roster.id}/operator").get_data(as_text=True)
    assert "重复" in page


def test_those_below_the_runner_do_not_take_the_citys_people(app, scheme, roster):
    """A scheme is seen by those below it; its people are not."""
    below = signed_in(app, a_user(Role.REVIEWER, at=a_unit(roster.organization.parent)))
    there = f"/admin/operator/{scheme.id}"
    assert below.get(there).status_code == 404
    days = {"first": "2024-12-01", "last": "2024-12-31"}
    assert below.send(f"{there}/out", days).status_code == 404
    assert "本级没有" in below.get("/admin/operator").get_data(as_text=True)
