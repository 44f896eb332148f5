"""`huigong scheme`: the fixed JSON contract, what is refused per claim, what is bad input."""

import json

import pytest
from builders_rules import BENEFIT, a_scheme, shipped
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
        ({"in_scope": "1" * 5000}, "in_scope"),  # more digits than Python reads
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


def test_a_claim_filed_too_late_on_working_days_is_refused_and_the_others_are_paid():
    """20 working days after 2023-10-09, over the National Day's make-up days, end on 11-06."""
    limit = '[filing]\nwithin = "20个工作日"\nafter = "discharge"\n'
    pay = '[[benefit.step]]\nname = "比例"\nper = "stay"\npay = "50%"\n'
    plan = plans.compile_scheme(a_scheme(BENEFIT + pay + limit))
    office = scheme_commands({"ours": plan}.get)
    claims = [{**a_claim(), "filed_on": day} for day in ("2023-11-06", "2023-11-07", None)]
    given = json.dumps(a_case(*claims))
    result = CliRunner().invoke(office, ["assess", "ours", "--json", "--database"], input=given)
    answer = json.loads(result.output)
    assert (result.exit_code, answer["total"]) == (1, "5015.50")
    assert [claim["refused"] for claim in answer["claims"]] == [
        [],
        [{"field": "filed_on", "message": "申领期限为2023-11-06，2023-11-07已超过"}],
        [{"field": "filed_on", "message": "请填写申领日期"}],
    ]


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
    code, output = run("check", str(good), str(good))
    assert code == 1
    assert "good.toml: id: 与 good.toml 的 id 相同" in output


def a_step(line: str) -> str:
    return a_scheme(f'{BENEFIT}[[benefit.step]]\nname = "步骤"\nper = "stay"\n{line}\n')


FEE = '[fee]\ntotal = "75元"\nshare = { city = "30元", rest = "44元" }'
STEP = "benefit[1].step[1]"


@pytest.mark.parametrize(
    ("text", "place", "message", "cure"),
    [
        (a_step("cap = 100.5"), f"{STEP}.cap", "有小数 100.5", "金额写成"),
        (a_step('pay = [["2000元", "30%"], ["1000元", "40%"], ["以上", "50%"]]'), f"{STEP}.pay[2]",
         "分段回落：1000.00元不大于2000.00元", "各段上限须由小到大"),
        (a_step('pay = [["<=4000元", "30%"], [">4001元", "50%"]]'), f"{STEP}.pay[2]",
         "分段有空档：上一段到4000.00元，这一段从4001.00元", "下一段从上一段的上限接起"),
        (a_step('pay = [["以上", "30%"], ["4000元", "50%"], ["以上", "60%"]]'), f"{STEP}.pay[1]",
         "开口的一段不在最后", "移到最后一段"),
        (a_step('pay = "100.01%"'), f"{STEP}.pay", "比例超过100%：100.01%", "0% 至 100% 之间"),
        (a_step('by = "place"\npay = { local = "60%" }'), f"{STEP}.pay",
         "按就医地的表缺少 away", "补上 away 一项"),
        (a_step('by = "hospital_level"\npay = { 1 = "70%", 2 = "60%", 2 = "50%", 3 = "50%" }'),
         "第19行", "同一项写了两次：2", "每项只写一次"),
        (a_step('by = "years_enrolled"\npay = { 1-3 = "60%", "3以上" = "70%" }'),
         f"{STEP}.pay.3以上", "按连续参保年数的表重复：3以上", "每个值只写一次"),
        (a_scheme(FEE), "fee.share", "各方分担合计74.00元，不等于参保费", "使两者相等"),
        (a_step('pay = "60%"\nrouding = "down"'), f"{STEP}.rouding", "没有这个键：rouding",
         "是否想写 rounding？"),
        (a_step('pay = "60%"\n[[benefit.step]]\nname = "封顶"\nper = "term"\ncap = "1元"\n'
                '[[benefit.step]]\nname = "再算"\nper = "stay"\npay = "50%"'),
         "benefit[1].step[3]", "按次住院的步骤写在更长的步骤之后", "把它移到前面"),
        (a_step('by = "hospitl_level"\npay = "60%"'), f"{STEP}.by",
         "没有任何表单询问这个条件：hospitl_level", "是否想写 hospital_level？"),
    ],
)  # fmt: skip
def test_check_names_file_place_and_cure_of_every_refusal(tmp_path, text, place, message, cure):
    file = tmp_path / "draft.toml"
    file.write_text(text, "utf-8")
    code, output = run("check", str(file))
    assert code == 1
    [line] = [told for told in output.splitlines() if message in told]
    assert line.startswith(f"错误 draft.toml: {place}")
    assert cure in line.split(message)[1]


def test_check_names_the_files_of_editions_that_overlap(tmp_path):
    """By the files they were read from, whatever these are called."""
    for name, code, dates in (("old", "x-2023", "from = 2023-01-01"),
                              ("new", "x-2024", "from = 2024-01-01"),
                              ("sound", "y-2024", "from = 2024-01-01")):  # fmt: skip
        text = a_scheme(scheme_id=code).replace("from = 2023-01-01, to = 2023-12-31", dates)
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    code, output = run("check", *(str(path) for path in sorted(tmp_path.iterdir())))
    assert code == 1
    [line] = [told for told in output.splitlines() if told.startswith("错误")]
    assert line.startswith("错误 new.toml: enrolled: 与 old.toml 的参保日期重叠")
    assert "把 old.toml 的 enrolled.to 定在2024-01-01之前" in line


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
