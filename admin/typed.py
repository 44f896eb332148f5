"""What people typed: amounts and days out of a form, every fault told at once."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from huigong import money
from huigong.refusals import Refused


class Typed:
    """A form as typed. `all(name=form.yuan(…), …)` reads several fields and refuses once, with
    the faults of every one of them."""

    def __init__(self, form: Any):
        self.form = form

    def text(self, name: str) -> str:
        return str(self.form.get(name, "")).strip()

    def words(self, name: str, words: str) -> Callable[[], str]:
        """Some text, of which there must be any."""

        def read() -> str:
            if not (text := self.text(name)):
                raise Refused(name, f"请填写{words}")
            return text

        return read

    def one_of(self, name: str, choices: Collection[str], words: str) -> Callable[[], str]:
        """One of the choices that the form offers."""

        def read() -> str:
            if (text := self.text(name)) not in choices:
                raise Refused(name, f"请选择{words}")
            return text

        return read

    def yuan(self, name: str, words: str) -> Callable[[], int]:
        """An amount in yuan, as fen."""

        def read() -> int:
            try:
                return money.typed_yuan(self.text(name))
            except ValueError:
                raise Refused(
                    name, f"请填写{words}，以元为单位，最多两位小数，例如 6400.00"
                ) from None

        return read

    def day(self, name: str, words: str) -> Callable[[], date]:
        """A day, as the browser's date field sends it."""

        def read() -> date:
            try:
                return date.fromisoformat(self.text(name))
            except ValueError:
                raise Refused(name, f"请填写{words}，例如 2024-12-16") from None

        return read

    def all(self, **fields: Callable[[], Any]) -> dict[str, Any]:
        """The values of all fields, or one refusal of all that are wrong."""
        values, faults = {}, []
        for name, read in fields.items():
            try:
                values[name] = read()
            except Refused as refused:
                faults += refused.faults
        if faults:
            raise Refused.all(faults)
        return values
