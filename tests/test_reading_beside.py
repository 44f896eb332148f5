"""A big roster's file is checked and sealed by a copy of the worker, while the worker keeps it."""

import os
import signal
import struct
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from builders import NOW
from builders_enrollment import an_id
from test_roster_work import a_begun_roster, a_worker, again, children, work_off

from huigong import clock, identity, vault
from huigong.models import RosterJob, RosterRow
from huigong.refusals import Refused
from huigong.workflows.enrollment import beside, jobs, reading

COLUMNS = ("number", "name", "pinyin", "born_on", "id_index", "facts", "fee", "kind", "faults")


def a_big_file(people: int = 12_000, *, first: str = "") -> bytes:
    """A text of more than the size from which two read; `first` goes before all others."""
    lines = "".join(
        f"张三,{an_id(number=n)},139{n:08d},示例银行示例支行示例分理处,会员,职工,备注{n:036d}\n"
        for n in range(people)
    )
    text = f"姓名,身份证号,手机号,开户行,是否会员,医保类型,备注\n{first}{lines}".encode()
    assert len(text) > reading.BESIDE
    return text


def waits(condition, seconds: float = 30):
    """Wait until a condition is true, and give it; None when it does not become so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    return None


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def a_worker_half_way(office, roster):
    """A worker that has staged some of a roster, its copy, and the child that parses for that."""
    worker = a_worker(office)
    assert waits(RosterRow.select().exists)
    [copy] = children(worker.pid)
    return worker, copy, children(copy)


def staged():
    columns = [getattr(RosterRow, name) for name in COLUMNS]
    return list(RosterRow.select(*columns).order_by(RosterRow.number).tuples())


def test_what_two_read_is_what_one_would_have_read(office, monkeypatch):
    wrong = f",{an_id(number=99_001)},,,会员,职工,\n李四,41,,,会员,职工,\n"
    content = a_big_file(first=wrong + f"王五,{an_id(number=0)},,,会员,职工,\n")
    roster = a_begun_roster(office, content)
    assert a_worker(office).wait(timeout=120) == 0
    two, digest = staged(), again(roster).digest
    assert digest["kinds"] == {"new": 12_000, "faulty": 3}
    assert [row[1] for row in two[:4]] == ["", "李四", "王五", "张三"]
    RosterRow.delete().execute()
    again(roster).delete_instance(recursive=True)

    monkeypatch.setattr(reading, "BESIDE", len(content) + 1)
    other = a_begun_roster(office, content, unit=roster.organization)
    work_off(office)
    assert (staged(), again(other).digest) == (two, digest)


def test_what_only_the_end_tells_comes_over_as_well(office):
    numbers = (identity.complete_id(f"41999919900{day}100") for day in range(101, 129))
    true = [f"李四,{number},,,会员,职工,\n" for number in numbers if number.endswith("000")]
    assert true
    rounded = f"王五,{an_id(number=3)[:14]}0000,,,会员,职工,\n"  # as Excel rounds it
    roster = a_begun_roster(office, a_big_file(first="".join([*true, rounded])))
    assert a_worker(office).wait(timeout=120) == 0
    assert again(roster).digest["kinds"] == {"new": 12_000, "faulty": 1 + len(true)}


def test_a_big_file_that_is_no_roster_leaves_its_sentence(office):
    roster = a_begun_roster(office, b"a,b\n" + b"1,2\n" * 300_000)
    assert a_worker(office).wait(timeout=120) == 0
    assert "找不到" in jobs.job_of(roster).refused
    assert not RosterRow.select().exists()


def test_a_stopped_reading_ends_the_copy_and_its_child(office):
    roster = a_begun_roster(office, a_big_file(60_000))
    worker, *others = a_worker_half_way(office, roster)
    jobs.stop(roster, by=roster.made_by, at=NOW, now=clock.real_now())
    assert worker.wait(timeout=60) == 0
    assert jobs.job_of(roster).refused == jobs.STOPPED
    assert not RosterRow.select().exists()
    copy, [child] = others
    assert waits(lambda: not is_running(copy) and not is_running(child))


@pytest.mark.parametrize("whom", ["copy", "worker"])
def test_a_reading_whose_copy_or_worker_is_killed_leaves_nobody_and_is_done_again(office, whom):
    roster = a_begun_roster(office, a_big_file(60_000))
    worker, copy, [child] = a_worker_half_way(office, roster)
    os.kill({"copy": copy, "worker": worker.pid}[whom], signal.SIGKILL)
    assert worker.wait(timeout=60) != 0
    assert waits(lambda: not is_running(copy) and not is_running(child))
    assert again(roster).stage == "reading"
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    assert a_worker(office).wait(timeout=120) == 0
    assert (again(roster).stage, again(roster).people) == ("draft", 60_000)
    assert RosterRow.select().count() == 60_000


# ── the copy by itself ──────────────────────────────────────────────────────────────────────


def test_parts_come_in_their_order_and_refusals_as_they_were():
    def work():
        yield from range(100)
        raise Refused("file", "不对", ("name", "未填写"))

    parts = beside.beside(work, waiting=lambda: None)
    assert [next(parts) for _ in range(100)] == list(range(100))
    with pytest.raises(Refused) as refused:
        next(parts)
    assert refused.value.faults == [("file", "不对"), ("name", "未填写")]


def test_who_waits_may_end_the_work():
    def work():
        yield os.getpid()
        time.sleep(60)

    def enough():
        raise KeyboardInterrupt

    parts = beside.beside(work, waiting=enough)
    copy = next(parts)
    with pytest.raises(KeyboardInterrupt):
        next(parts)
    assert not is_running(copy)


def test_a_copy_that_breaks_off_is_no_end(capfd):
    def work():
        yield 1
        raise ZeroDivisionError

    parts = beside.beside(work, waiting=lambda: None)
    assert next(parts) == 1
    with pytest.raises(RuntimeError, match="before its work was done"):
        next(parts)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_copy_killed_half_way_through_a_message_is_no_end_and_keeps_nobody_waiting():
    def cut_short(there, _message):
        os.write(there.fileno(), struct.pack("!i", 1000) + b"the beginning")
        os.kill(os.getpid(), signal.SIGKILL)

    def work():
        yield 1
        Connection.send_bytes = cut_short  # in the copy
        yield 2

    tries = iter(range(50))
    parts = beside.beside(work, waiting=lambda: next(tries))
    assert next(parts) == 1
    with pytest.raises(RuntimeError, match="before its work was done"):
        next(parts)


def test_a_copy_seals_with_random_bytes_of_its_own(keys):
    """Two texts sealed under one key with the same nonce would tell both."""
    seal = vault.unlock(keys).sealing(table="member", column="phone")
    refs = vault.new_refs()
    seal("13800000000", "a"), next(refs)  # drawn for many at once, before the copy is made

    def work():
        yield [(seal("13800000000", "a")[:12], next(refs)[12:]) for _ in range(300)]

    theirs = next(beside.beside(work, waiting=lambda: None))
    ours = [(seal("13800000000", "a")[:12], next(refs)[12:]) for _ in range(300)]
    for kind in (0, 1):
        drawn = [pair[kind] for pair in theirs + ours]
        assert len(set(drawn)) == 600
