"""One key for one payment, whatever statement it stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from governance.tables import canonical_json, digest

_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOREF"})


def given(reference: str) -> str:
    """A reference, or nothing where the bank wrote that there is none."""
    return "" if reference.strip().upper() in _NO_REFERENCE else reference.strip()


def compact(text: str) -> str:
    """An account number without spaces, in upper case."""
    return "".join(text.split()).upper()


class Counted:
    """Gives keys; equal payments of one file are told apart by their order.

    Two statements of an account list equal payments of a day alike, so that the second of two
    equal ones has the same key in both.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, account: str, said: Sequence[str]) -> str:
        """The key of a payment by its account and what the bank says of it."""
        first = digest(canonical_json([account, *said]))
        self._seen[first] += 1
        return first if self._seen[first] == 1 else digest(f"{first}{self._seen[first]}".encode())
