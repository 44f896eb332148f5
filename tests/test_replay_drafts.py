"""From a draft to its replay and back: a figure found is taken into the draft it was tried on."""

import re
import sys
from random import Random

import pytest
from builders import NOW, a_city, a_user, signed_in
from builders_claims import an_enrollment
from builders_scheme_editor import Desk, a_desk, a_draft, form_of
from click.testing import CliRunner
from invented import invent
from test_replay import CAP, RATE, decided

from huigong import database, migrations
from huigong.cli_scheme import scheme
from huigong.models import DraftEdition, DraftVersion, Edition, Role
from huigong.plans import compile_scheme, compile_table
from huigong.plans.retyped import sheet_of
from huigong.plans.typed import scheme_of
from huigong.refusals import Lost, Refused
from huigong.workflows import drafting, schemes
from huigong.workflows.levers import levers, turned

AWAY = "benefit-0-step-0-away-0-1"


@pytest.fixture
def desk(app) -> Desk:
    made = a_desk(app, "zhengzhou-hospital-2023")
    decided(an_enrollment(made.edition), 10_031_00)
    return made


def read(answer) -> str:
    return str(answer.get_data(as_text=True))


def hidden(page: str, form: str) -> dict[str, str]:
    """The hidden fields that a form of the page would post, without its one-time keys."""
    inside = page[page.index(form) :]
    inside = inside[: inside.index("</form>")]
    found = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', inside))
    return {k: v for k, v in found.items() if k not in ("csrf_token", "form_key")}


def saved(desk: Desk, draft: DraftEdition, *, by: int, **figures: str) -> DraftEdition:
    """The draft saved again with figures, by the first reviewer (0) or the second (1)."""
    now = DraftEdition.get_by_id(draft.id)
    sheet = drafting.with_figures(now.sheet, figures)
    return drafting.save_draft(now, sheet=sheet, version=now.version, by=desk.users[by], at=NOW)


# ── There ───────────────────────────────────────────────────────────────────────────────────


def test_one_click_saves_a_draft_and_opens_its_replay_over_the_decided_claims(desk):
    draft, where = a_draft(desk), "/admin/schemes/drafts/{}"
    form = form_of(read(desk.writer.get(where.format(draft.id))))
    rate = "benefit-1-step-1-cases-1-bands-1-value"
    answer = desk.writer.send(where.format(draft.id), {**form, rate: "70", "do": "replay"})
    assert answer.location == f"/admin/replay?rules=d{draft.id}"
    page = read(desk.writer.get(answer.location))
    assert "7,021.70" in page
    assert "草稿第2版" in page
    assert 'name="since" type="date" value="2023-11-01"' in page
    assert f'href="{where.format(draft.id)}"' in page


def test_who_only_looks_at_the_replay_of_a_draft_has_not_written_in_it(desk):
    draft = a_draft(desk)
    where = f"/admin/schemes/drafts/{draft.id}"
    form = form_of(read(desk.second.get(where)))
    lines = form["unstated"].replace("\n", "\r\n")  # as a browser sends them
    assert lines != form["unstated"]
    answer = desk.second.send(where, {**form, "unstated": lines, "do": "replay"})
    assert answer.location == f"/admin/replay?rules=d{draft.id}"
    now = DraftEdition.get_by_id(draft.id)
    assert (now.version, now.writers) == (1, [desk.users[0].id])


def test_a_draft_with_faults_is_saved_and_says_what_to_do_before_its_replay(desk):
    draft = a_draft(desk)
    where = f"/admin/schemes/drafts/{draft.id}"
    form = form_of(read(desk.writer.get(where)))
    answer = desk.writer.send(where, {**form, "name": "", "do": "replay"})
    assert answer.location == where
    assert "更正后才能测算" in read(desk.writer.get(where))
    page = read(desk.writer.get(f"/admin/replay?rules=d{draft.id}"))
    assert "现在不能测算" in page
    assert f'href="{where}"' in page


# ── And back ────────────────────────────────────────────────────────────────────────────────


def test_a_figure_found_is_taken_back_into_the_draft_in_one_click(desk):
    draft = a_draft(desk)
    page = read(desk.writer.get(f"/admin/replay?rules=d{draft.id}&{RATE}=62.5&{CAP}=90000"))
    form = hidden(page, f'action="/admin/replay/drafts/{draft.id}"')
    assert form[RATE] == "62.5"
    answer = desk.writer.send(f"/admin/replay/drafts/{draft.id}", form)
    assert answer.status_code == 303
    page = read(desk.writer.get(answer.location))
    assert "已写回草稿，存为第2版" in page
    assert "60% 改为 62.5%" in page
    assert "6,269.38" in page
    sheet = DraftEdition.get_by_id(draft.id).sheet
    [first, second] = sheet["benefit"][0]["step"]
    assert [case["bands"][0]["value"] for case in first["cases"]] == ["62.5", "50"]
    assert second["cases"][0]["amount"] == "90000"


def test_taking_back_makes_one_a_writer_who_may_not_publish(desk):
    draft = a_draft(desk)
    page = read(desk.second.get(f"/admin/replay?rules=d{draft.id}&{RATE}=65"))
    assert "须由另一位审核人发布" in page
    desk.second.send(f"/admin/replay/drafts/{draft.id}", {RATE: "65", "version": "1"})
    now = DraftEdition.get_by_id(draft.id)
    assert now.writers == sorted(user.id for user in desk.users)
    with pytest.raises(Refused, match="不能发布"):
        drafting.publish_draft(now, seen="", by=desk.users[1], at=NOW)


def test_what_was_typed_elsewhere_in_the_draft_stays_as_it_was_typed(desk):
    draft = a_draft(desk)
    sheet = {**draft.sheet, "stated": "一句  有两个空格的话"}
    sheet["benefit"][0]["step"][1]["cases"][0]["amount"] = "１００,０００ 元"
    drafting.save_draft(draft, sheet=sheet, version=1, by=desk.users[0], at=NOW)
    now = saved(desk, draft, by=0, **{RATE: "61"})
    assert now.sheet["stated"] == "一句  有两个空格的话"
    assert now.sheet["benefit"][0]["step"][1]["cases"][0]["amount"] == "１００,０００ 元"


def test_a_stale_replay_is_told_what_changed_and_keeps_the_figures(desk):
    draft = a_draft(desk)
    page = read(desk.writer.get(f"/admin/replay?rules=d{draft.id}&{RATE}=70"))
    form = hidden(page, f'action="/admin/replay/drafts/{draft.id}"')
    saved(desk, draft, by=1, **{AWAY: "45"})
    answer = desk.writer.send(f"/admin/replay/drafts/{draft.id}", form)
    page = read(answer)
    assert answer.status_code == 409
    assert "存为第2版" in page
    assert "<del>50%</del>" in page
    assert "<ins>45%</ins>" in page
    assert "7,021.70" in page  # still what was tried, under the version it was tried on
    assert 'id="take-back"' not in page
    assert DraftEdition.get_by_id(draft.id).version == 2
    again = desk.writer.get(f"/admin/replay/drafts/{draft.id}")
    assert again.location == f"/admin/replay?rules=d{draft.id}"
    [newest] = re.findall(r'href="([^"]+)">改按第2版测算，带上我改动的数字', page)
    page = read(desk.writer.get(newest.replace("&amp;", "&")))
    form = hidden(page, f'action="/admin/replay/drafts/{draft.id}"')
    assert desk.writer.send(f"/admin/replay/drafts/{draft.id}", form).status_code == 303
    both = drafting.plan_of(DraftEdition.get_by_id(draft.id))
    assert both["benefit"][0]["step"][0]["table"] == {
        "local": [[None, 7000]],
        "away": [[None, 4500]],
    }


def test_an_open_replay_says_so_when_the_draft_is_saved_again(desk):
    draft = a_draft(desk)
    saved(desk, draft, by=1, **{RATE: "65"})
    page = read(desk.writer.get(f"/admin/replay?rules=d{draft.id}&of=d{draft.id}&version=1"))
    assert "下面仍按第1版测算" in page
    assert "<ins>65%</ins>" in page
    assert "6,520.15" not in page
    sheet = {**DraftEdition.get_by_id(draft.id).sheet, "name": ""}
    drafting.save_draft(draft, sheet=sheet, version=2, by=desk.users[1], at=NOW)
    page = read(desk.writer.get(f"/admin/replay?rules=d{draft.id}&of=d{draft.id}&version=1"))
    assert "第3版还有需要更正的地方" in page


def test_two_who_take_back_at_once_do_not_overwrite_each_other(desk):
    draft = a_draft(desk)
    take = {"version": 1, "by": desk.users[0], "at": NOW}
    drafting.take_figures(draft, figures={RATE: "61"}, **take)
    with pytest.raises(Lost):
        drafting.take_figures(draft, figures={RATE: "62"}, **take)


@pytest.mark.parametrize(
    ("figures", "said"),
    [({RATE: "101"}, "百分数"), ({}, "没有改动"), ({RATE: "60.00"}, "没有改动")],
)
def test_figures_that_change_nothing_or_are_none_are_refused(desk, figures, said):
    draft = a_draft(desk)
    answer = desk.writer.send(f"/admin/replay/drafts/{draft.id}", {"version": "1", **figures})
    assert answer.status_code == 422
    assert said in read(answer)
    assert DraftEdition.get_by_id(draft.id).version == 1


def test_only_a_city_s_reviewers_take_figures_into_its_drafts(app, desk):
    draft = a_draft(desk)
    auditor = signed_in(app, a_user(Role.AUDITOR, at=desk.city))
    page = read(auditor.get(f"/admin/replay?rules=d{draft.id}&{RATE}=70"))
    assert "7,021.70" in page
    assert 'id="take-back"' not in page
    form = {"version": "1", RATE: "70"}
    assert auditor.send(f"/admin/replay/drafts/{draft.id}", form).status_code == 403
    other = a_desk_elsewhere(app)
    assert other.send(f"/admin/replay/drafts/{draft.id}", form).status_code == 404
    assert other.get(f"/admin/replay?rules=d{draft.id}").status_code == 404
    assert other.send(f"/admin/replay/editions/{desk.edition.id}", form).status_code == 404


def a_desk_elsewhere(app):
    return signed_in(app, a_user(Role.REVIEWER, at=a_city("别市总工会", "elsewhere")))


def test_figures_tried_on_an_edition_begin_the_next_one_s_draft(desk):
    page = read(desk.writer.get(f"/admin/replay?rules={desk.edition.id}&{RATE}=65"))
    form = hidden(page, f'action="/admin/replay/editions/{desk.edition.id}"')
    answer = desk.writer.send(f"/admin/replay/editions/{desk.edition.id}", form)
    assert answer.status_code == 303
    draft = DraftEdition.get()
    assert answer.location == f"/admin/schemes/drafts/{draft.id}"
    plan = drafting.plan_of(draft)
    assert plan["benefit"][0]["step"][0]["table"]["local"] == [[None, 6500]]
    assert (draft.basis, plan["enrolled"]["from"]) == (desk.edition, "2024-01-01")
    assert Edition.get_by_id(desk.edition.id).plan == desk.edition.plan
    nothing = desk.writer.send(f"/admin/replay/editions/{desk.edition.id}", {"version": "1"})
    assert nothing.status_code == 422


def test_other_rules_do_not_inherit_the_figures_of_those_before(desk):
    draft = a_draft(desk)
    asked = f"/admin/replay?rules=d{draft.id}&of={desk.edition.id}&{RATE}=70&since=2023-11-01"
    page = read(desk.writer.get(asked))
    assert "7,021.70" not in page
    assert "6,018.60" in page
    assert f'name="{RATE}" type="text" value="60"' in page


# ── Every figure finds its place ────────────────────────────────────────────────────────────


def _plans():
    yield from ((code, compile_scheme(text, code)) for code, text in schemes.shipped())
    for seed in range(25):
        text, _ = invent(Random(seed))  # noqa: S311 made-up schemes, no secrets
        yield f"invented {seed}", compile_scheme(text, "x.toml")


@pytest.mark.parametrize(
    ("name", "plan"), list(_plans()), ids=lambda value: value if value.__class__ is str else ""
)
def test_every_figure_of_a_scheme_written_into_its_form_is_the_figure_turned(name, plan):
    sheet = sheet_of(plan)
    plan = compile_table(scheme_of(sheet), name)  # the form may cut a table finer
    for lever in levers(plan):
        text = lever._replace(value=lever.value + 1).text
        try:
            wanted = turned(plan, {lever.name: text})
        except Refused:  # beside a bound or a rate that leaves no room
            continue
        changed = drafting.with_figures(sheet, {lever.name: text})
        assert compile_table(scheme_of(changed), name) == wanted, lever


# ── Versions ────────────────────────────────────────────────────────────────────────────────


def test_each_saving_of_a_draft_is_kept_and_goes_with_it(desk):
    draft = a_draft(desk)
    saved(desk, draft, by=1, **{RATE: "65"})
    rows = list(DraftVersion.select().order_by(DraftVersion.version))
    assert [(row.version, row.saved_by) for row in rows] == [(1, desk.users[0]), (2, desk.users[1])]
    assert rows[0].sheet == draft.sheet
    drafting.discard_draft(draft, version=2, by=desk.users[0], at=NOW)
    assert DraftVersion.select().count() == 0


def test_a_draft_from_before_its_savings_were_kept_begins_with_the_one_it_has(desk):
    draft = a_draft(desk)
    database.db.execute_sql("DROP TABLE draft_version")
    database.db.execute_sql("DELETE FROM schema_migration WHERE name LIKE '0005%%'"
                            if not database.is_sqlite() else
                            "DELETE FROM schema_migration WHERE name LIKE '0005%'")  # fmt: skip
    assert migrations.migrate() == ["0005_draft_versions"]
    [row] = DraftVersion.select()
    assert (row.draft, row.version, row.sheet) == (draft, 1, draft.sheet)


# ── In the terminal ─────────────────────────────────────────────────────────────────────────


def test_the_terminal_replays_a_draft_and_names_its_version(office, desk, monkeypatch):
    draft = saved(desk, a_draft(desk), by=1, **{RATE: "65"})
    for name, value in (
        ("HUIGONG_HOME", office.home), ("HUIGONG_KEYS", office.keys),
        ("DATABASE_URL", office.database_url),
    ):  # fmt: skip
        monkeypatch.setenv(name, str(value))
    result = CliRunner().invoke(scheme, ["replay", f"d{draft.id}"])
    assert result.exit_code == 0, result.output
    assert "草稿第2版" in result.stdout
    assert "新6,520.15元" in result.stdout
    assert CliRunner().invoke(scheme, ["replay", "d999"]).exit_code == 2
    database.db.connect(reuse_if_open=True)


def test_a_span_far_too_long_to_recompute_while_typing_says_so(desk, monkeypatch):
    screen = sys.modules["huigong.admin.replay"]
    decided(an_enrollment(desk.edition), 10_000_00)
    monkeypatch.setattr(screen, "MOST_LIVE", 1)
    page = read(desk.writer.get(f"/admin/replay?rules={desk.edition.id}"))
    assert "不能边改边算" in page
    assert 'hx-trigger="input' not in page
    assert "12,018.60" not in page
    assert "12,018.60" in read(desk.writer.get(f"/admin/replay?rules={desk.edition.id}&go=1"))
