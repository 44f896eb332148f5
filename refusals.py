"""A refusal is the person's to mend: it goes back beside its field, and nothing is saved."""


class Refused(Exception):
    """A deed's refusal: a field and what to do about it, in Chinese; or several at once."""

    def __init__(self, field: str, message: str, *more: tuple[str, str]):
        self.faults: list[tuple[str, str]] = [(field, message), *more]
        super().__init__("；".join(message for _, message in self.faults))

    @classmethod
    def all(cls, faults: "list[tuple[str, str]]") -> "Refused":
        return cls(*faults[0], *faults[1:])

    def by_field(self) -> dict[str, str]:
        """The first message of each field, in the order of the form that asks again."""
        first: dict[str, str] = {}
        for field, message in self.faults:
            first.setdefault(field, message)
        return first


class Lost(Exception):
    """A race was lost: somebody else changed the same thing first (409)."""


class StartRefused(Exception):
    """The office cannot start; the one sentence says the cure."""
