import pytest

from huigong import vault
from huigong.refusals import StartRefused

PLACE = {"table": "member", "column": "resident_id", "row": "a1"}


@pytest.fixture
def keyed(keys):
    return vault.read_vault(keys)


def test_a_sealed_value_opens_in_its_own_place_only(keyed):
    sealed = keyed.seal("419999199001011234", **PLACE)
    assert b"419999" not in sealed
    assert keyed.open(sealed, **PLACE) == "419999199001011234"
    for other in ({"table": "roster_row"}, {"column": "phone"}, {"row": "a2"}):
        with pytest.raises(vault.Damaged):
            keyed.open(sealed, **{**PLACE, **other})


def test_a_changed_byte_does_not_open(keyed):
    sealed = bytearray(keyed.seal("13800000000", **PLACE))
    sealed[-1] ^= 1
    with pytest.raises(vault.Damaged):
        keyed.open(bytes(sealed), **PLACE)


def test_equal_values_are_sealed_differently_but_found_by_the_same_index(keyed):
    assert keyed.seal("x", **PLACE) != keyed.seal("x", **PLACE)
    assert keyed.index("x", kind="id") == keyed.index("x", kind="id")
    assert keyed.index("x", kind="id") != keyed.index("x", kind="phone")


def test_another_office_finds_and_opens_nothing(keyed, tmp_path):
    vault.make_key(tmp_path)
    other = vault.read_vault(tmp_path)
    assert other.index("x", kind="id") != keyed.index("x", kind="id")
    with pytest.raises(vault.Damaged):
        other.open(keyed.seal("x", **PLACE), **PLACE)


def test_a_key_is_never_replaced(keys):
    with pytest.raises(StartRefused, match="不会覆盖"):
        vault.make_key(keys)


@pytest.mark.parametrize("text", ["", "00" * 32, "zz" * 32, "ab" * 16])
def test_a_weak_or_damaged_key_refuses_to_start(tmp_path, text):
    (tmp_path / vault.KEY_FILE).write_text(text)
    with pytest.raises(StartRefused, match="过弱或已损坏"):
        vault.read_vault(tmp_path)


def test_a_missing_key_says_the_cure(tmp_path):
    with pytest.raises(StartRefused, match="HUIGONG_KEYS"):
        vault.read_vault(tmp_path)
