import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in

from huigong import database, identity, vault
from huigong.models import AuditEvent, Member, Organization, Role
from huigong.refusals import Refused
from huigong.workflows import audit

ID = identity.complete_id("41999919800506123")
CARD = "6222020000000000000"


def a_member(unit: Organization) -> Member:
    member = Member(organization=unit, name="演示职工", id_index="i", tail_index="t")
    member.resident_id = member.seal("resident_id", ID)
    member.bank_card = member.seal("bank_card", CARD)
    member.save()
    return member


def test_a_full_number_is_shown_only_with_a_reason_that_is_logged(app):
    unit = a_unit(a_city())
    member, clerk = a_member(unit), a_user(Role.CLERK, at=unit)
    client, address = signed_in(app, clerk), f"/admin/reveal/resident_id/{member.id}"
    assert ID not in client.get(address).get_data(as_text=True)
    refused = client.send(address, {"reason": " "})
    assert refused.status_code == 422
    assert ID not in refused.get_data(as_text=True)
    shown = client.send(address, {"reason": "核对银行退回的账户"})
    assert ID in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    event = AuditEvent.get(AuditEvent.deed == "reveal resident_id")
    assert (event.by, event.detail) == (clerk, "核对银行退回的账户")
    assert event.subject == f"Member:{member.id}"
    assert ID not in "".join(str(value) for value in event.__data__.values())


def test_a_number_outside_the_scope_and_an_unknown_kind_are_absent(app):
    member = a_member(a_unit(a_city()))
    client = signed_in(app, a_user(Role.CLERK, at=a_city("外地总工会")))
    assert (
        client.send(f"/admin/reveal/phone/{member.id}", {"reason": "好奇看看"}).status_code == 404
    )
    near = signed_in(app, a_user(Role.CLERK, at=member.organization))
    assert near.get(f"/admin/reveal/password/{member.id}").status_code == 404
    assert near.send(f"/admin/reveal/ref/{member.id}", {"reason": "好奇看看"}).status_code == 404
    assert not AuditEvent.select().where(AuditEvent.deed.startswith("reveal")).exists()


def test_a_refused_reveal_opens_nothing(office):
    member = a_member(a_unit(a_city()))
    clerk = a_user(Role.CLERK, at=member.organization)
    with pytest.raises(Refused):
        audit.reveal(member, "bank_card", reason="看", by=clerk, at=NOW)
    assert audit.reveal(member, "bank_card", reason="核对账户", by=clerk, at=NOW) == CARD


def test_a_sealed_value_moved_to_another_row_does_not_open(office):
    unit = a_unit(a_city())
    member = a_member(unit)
    member.ref = vault.new_ref()
    with pytest.raises(vault.Damaged):
        audit.reveal(member, "bank_card", reason="核对账户", by=a_user(at=unit), at=NOW)
    assert not AuditEvent.select().exists(), "what did not open was not shown, and not logged"


@database.writes
def some_events(place: Organization, count: int = 3) -> list[AuditEvent]:
    return [
        audit.record(f"deed {number}", by=None, at=NOW, organization=place)
        for number in range(count)
    ]


def test_the_chain_holds_and_a_forged_event_breaks_it(office):
    events = some_events(a_city())
    assert audit.broken_links() == []
    forged = AuditEvent(
        organization=None, at=NOW, deed="forged", previous=events[0].hash, hash="f" * 64
    )
    forged.save()
    assert audit.broken_links() == [forged.id]


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_itself_keeps_events_as_they_were(office, change):
    import peewee

    event = some_events(a_city())[0]
    statement = AuditEvent.update(deed="x") if change == "update" else AuditEvent.delete()
    with (
        pytest.raises((peewee.DatabaseError, peewee.InternalError), match="only added"),
        database.db.atomic(),
    ):
        statement.where(AuditEvent.id == event.id).execute()
    assert audit.broken_links() == []


def test_the_log_is_filtered_by_deed_day_and_person_within_the_subtree(app):
    city, other = a_city(), a_city("外地总工会")
    clerk = a_user(Role.CLERK, at=city, name="演示经办")
    audit.record("sign in", by=clerk, at=NOW, on=clerk, organization=city)
    audit.record("sign out", by=None, at=NOW.replace(day=1), organization=city)
    audit.record("sign in", by=None, at=NOW, organization=other, detail="elsewhere")
    client = signed_in(app, a_user(Role.AUDITOR, at=city))

    def rows(query: str = "") -> int:
        page = client.get(f"/admin/audit{query}").get_data(as_text=True)
        assert "elsewhere" not in page
        return page.count('data-label="时间"')

    assert rows() == 2
    assert rows("?deed=sign+in") == 1
    assert rows("?day=2024-12-01") == 1
    assert rows("?day=2024-12-16&person=演示经办") == 1
    assert rows("?person=nobody") == 0
    assert rows("?day=nonsense&page=-3") == 2


def test_a_clerk_does_not_read_the_log(app):
    assert signed_in(app, a_user(Role.CLERK, at=a_city())).get("/admin/audit").status_code == 403


def test_every_deed_in_the_log_has_its_words_in_chinese():
    """Every `audit.record("…")` of the office's deeds, read from their source."""
    import ast
    from pathlib import Path

    from huigong.admin.audit import DEED_WORDS

    recorded = set()
    for path in (Path(__file__).parent.parent / "workflows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                deed = node.args[0]
                recorded |= {deed.value} if isinstance(deed, ast.Constant) else set()
    assert {"sign in", "approve roster"} <= recorded
    assert recorded - DEED_WORDS.keys() == set()
