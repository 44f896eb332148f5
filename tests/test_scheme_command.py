"""`huigong scheme`: the fixed JSON contract, what is refused per claim, what is bad input."""

import json

import pytest
from builders_rules import a_scheme, shipped
from click.testing import CliRunner

from huigong import plans
from huigong.cli_scheme import assess_json, scheme, scheme_commands

ZHENGZHOU = "zhengzhou-hospital-2023"


def a_stay(**more) -> dict:
    return {
        "place": "local", "hospital_level": 3, "admitted": "2023-10-01",
        "discharged": "2023-10-09", "days": 8, "total": "53417.00", "pooled": "38421.00",
        "in_scope": "10031.00", "out_of_catalogue": "4965.00", "cash": "14996.00", **more,
    }  # fmt: skip


def a_claim(*stays, **more) -> dict:
    stays = list(stays) or [a_stay()]
    return {"filed_on": "2023-11-01", "event": None, "decided": None, "stays": stays, **more}


def a_case(*claims, **facts) -> dict:
    known = {"age": 43, "insurance": "employee", "membership": "member", "employment": "regular"}
    return {
        "enrolled_on": "2023-08-01", "cover_from": "2023-08-01", "renewal": False,
        "facts": {**known, "unit_level": "city", **facts}, "claims": list(claims),
    }  # fmt: skip


def run(*arguments: str, given: str | bytes = "") -> tuple[int, str]:
    result = CliRunner().invoke(scheme, list(arguments), input=given)
    return result.exit_code, result.output


def assess(case: dict, scheme_id: str = ZHENGZHOU) -> tuple[int, dict]:
    code, output = run("assess", scheme_id, "--json", given=json.dumps(case))
    return code, json.loads(output)


def test_the_published_claim_comes_out_as_the_contract_says():
    code, answer = assess(a_case(a_claim()))
    assert code == 0
    assert answer["total"] == "6018.60"
    [claim] = answer["claims"]
    assert (claim["benefit"], claim["refused"]) == ("6018.60", [])
    steps = [{key: step[key] for key in step if key != "clause"} for step in claim["steps"]]
    assert steps == [
        {"benefit_id": "hospital", "stay": 0, "name": "按就医地比例", "before": "10031.00",
         "prior": None, "after": "6018.60"},
        {"benefit_id": "hospital", "stay": None, "name": "保障期封顶", "before": "6018.60",
         "prior": "0.00", "after": "6018.60"},
    ]  # fmt: skip
    assert all(step["clause"] for step in claim["steps"])


def test_a_third_claim_is_refused_by_itself():
    code, answer = assess(a_case(a_claim(), a_claim(), a_claim()))
    assert (code, answer["total"]) == (1, "12037.20")
    assert [claim["benefit"] for claim in answer["claims"]] == ["6018.60", "6018.60", "0.00"]
    [refused] = answer["claims"][2]["refused"]
    assert set(refused) == {"field", "message"}


@pytest.mark.parametrize(
    ("stay", "field"),
    [
        ({"in_scope": None}, "in_scope"),
        ({"in_scope": "-1.00"}, "in_scope"),
        ({"in_scope": "1.005"}, "in_scope"),
        ({"in_scope": 10031.00}, "in_scope"),
        ({"in_scope": "１０"}, "in_scope"),
        ({"in_scope": "10\n"}, "in_scope"),
        ({"in_scope": "1,000.00"}, "in_scope"),
        ({"cash": "-0.01"}, "cash"),
        ({"place": None}, "place"),
        ({"place": ["local"]}, "place"),
        ({"place": "\ud83d"}, "place"),
        ({"admitted": "2023-13-01"}, "admitted"),
        ({"admitted": "20231001"}, "admitted"),
        ({"self": "10.00", "account": "3.00", "cash": "8.00"}, "self"),
    ],
)
def test_a_fault_inside_a_claim_refuses_that_claim_and_names_the_field(stay, field):
    code, answer = assess(a_case(a_claim(a_stay(**stay)), a_claim()))
    assert (code, answer["total"]) == (1, "6018.60")
    assert [r["field"] for r in answer["claims"][0]["refused"]] == [field]
    assert answer["claims"][1]["refused"] == []


def test_only_what_the_plan_reads_is_required():
    claim = {"filed_on": "2023-11-01", "stays": [{"place": "local", "in_scope": "10031"}]}
    case = {"cover_from": "2023-08-01", "facts": {}, "claims": [claim]}
    assert assess(case)[1]["total"] == "6018.60"


def test_facts_that_fail_a_requirement_refuse_every_claim():
    code, answer = assess(a_case(a_claim(), age=61))
    assert (code, answer["claims"][0]["refused"][0]["field"]) == (1, "age")


def test_amounts_of_a_quadrillion_fen_are_exact():
    plan = shipped("anyang-hospital-2019")
    plan["benefit"][0]["step"].pop()
    body, refused = assess_json(
        plan, json.dumps(a_case(a_claim(a_stay(in_scope="10000000000000.01"))))
    )
    assert (body["total"], refused) == ("4999999999800.01", False)


@pytest.mark.parametrize("scheme_id", ["puyang-hospital-2025", "zhengzhou-critical-2022"])
def test_a_scheme_whose_benefits_are_not_stated_refuses(scheme_id):
    code, answer = assess(a_case(a_claim()), scheme_id)
    assert (code, answer["claims"][0]["refused"][0]["field"]) == (1, "benefit")
    assert assess(a_case(), scheme_id)[0] == 1


@pytest.mark.parametrize(
    "given",
    ["", "{", "[]", "null", '{"claims": {}}', '{"claims": [1]}', '{"claims": [{"stays": [1]}]}',
     '{"claims": [], "facts": 1}', '{"claims": [], "renewal": "no"}', b"\xff{}"],
)  # fmt: skip
def test_input_that_is_no_case_is_exit_2(given):
    code, output = run("assess", ZHENGZHOU, "--json", given=given)
    assert code == 2
    assert output.startswith("错误")


@pytest.mark.parametrize("name", ["unknown", "../secret", "zhengzhou-hospital-2023.toml", ""])
def test_an_unknown_scheme_is_exit_2(name):
    assert run("assess", name, "--json", given="{}")[0] == 2


def test_json_must_be_asked_for():
    assert run("assess", ZHENGZHOU)[0] == 2


def test_the_offices_edition_is_read_where_the_database_is_asked_for():
    office = scheme_commands({"ours": shipped(ZHENGZHOU)}.get)
    given = json.dumps(a_case(a_claim()))
    result = CliRunner().invoke(office, ["assess", "ours", "--json", "--database"], input=given)
    assert json.loads(result.output)["total"] == "6018.60"
    result = CliRunner().invoke(office, ["assess", "theirs", "--json", "--database"], input=given)
    assert result.exit_code == 2


def test_check_prints_faults_cliffs_and_overlaps(tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    cliff = '[[benefit]]\nid = "h"\nname = "金"\nof = ["in_scope"]\n[[benefit.step]]\n'
    cliff += 'name = "门槛"\nper = "stay"\nthreshold = "100元"\n'
    good.write_text(a_scheme(cliff), "utf-8")
    assert run("check", str(good)) == (0, run("check", str(good))[1])
    assert "多付100.01元" in run("check", str(good))[1]
    bad.write_text(a_scheme("claims = 3.5"), "utf-8")
    code, output = run("check", str(good), str(bad), str(tmp_path / "missing.toml"))
    assert code == 1
    assert "bad.toml: claims: 有小数 3.5" in output
    assert "missing.toml" in output
    assert "重叠" in run("check", str(good), str(good))[1]


def test_a_claim_without_stays_holds_its_own_amounts():
    text = (
        'id = "x"\nname = "示例"\nenrolled = { from = 2024-01-01 }\nterm = "12个月"\n'
        'operator = "self"\nsource = "示例"\nunstated = []\nevents = { relief = "救助" }\n'
        '[[benefit]]\nid = "r"\nname = "救助"\nevent = "relief"\nof = ["cash"]\n'
        '[[benefit.step]]\nname = "一半"\nper = "claim"\npay = "50%"\n'
    )
    case = {"cover_from": "2024-01-01", "claims": [{"event": "relief", "cash": "100.01"}]}
    body, refused = assess_json(plans.compile_scheme(text), json.dumps(case))
    assert (body["total"], refused) == ("50.01", False)
