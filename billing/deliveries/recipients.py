"""Addresses that a person typed, as the recipients of a mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from governance.errors import BadInput, Problem

MOST: Final = 20
"""Recipients of one mail, copies included."""
_LONGEST = 254
"""Characters of an address (RFC 5321, 4.5.3.1)."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", re.ASCII
)
_LIKE_AN_ADDRESS = re.compile(
    r"(?<![^\s<>()\[\]\",;:@])[^\s<>()\[\]\",;:@]{1,320}@[^\s<>()\[\]\",;:@]{1,320}"
)
_BETWEEN = re.compile(r"[\s,;]+")


def addresses_in(text: str) -> tuple[str, ...]:
    """Addresses in a field of a form, apart by commas, semicolons, spaces or line ends."""
    return tuple(one for one in _BETWEEN.split(text) if one)


def is_address(text: str) -> bool:
    """Whether it is one address that mails can be sent to."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None


def without_addresses(text: str) -> str:
    """What a mail server said, without anybody's address: servers repeat whom they refuse.

    It is kept where no address of a person could be erased.
    """
    return _LIKE_AN_ADDRESS.sub("[address]", text)


def checked_recipients(
    to: Iterable[str], cc: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses without repetitions: who gets the mail, and who a copy.

    Raises BadInput for what is no address, without any recipient, and for more than `MOST`.
    """
    wanted, copied = _once(to), _once(cc)
    copied = tuple(one for one in copied if one.lower() not in {each.lower() for each in wanted})
    problems = [*_problems(wanted, "to"), *_problems(copied, "cc")]
    if not wanted:
        allowed = "at least one e-mail address"
        problems.append(Problem("nobody is named to send it to", column="to", allowed=allowed))
    if len(wanted) + len(copied) > MOST:
        found = str(len(wanted) + len(copied))
        problems.append(
            Problem("these are too many recipients", column="to", found=found, allowed=str(MOST))
        )
    if problems:
        raise BadInput(problems)
    return wanted, copied


def _once(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple({one.strip().lower(): one.strip() for one in addresses if one.strip()}.values())


def _problems(addresses: Iterable[str], column: str) -> Iterator[Problem]:
    for one in addresses:
        if not is_address(one):
            what = "this is no e-mail address that mails can be sent to"
            yield Problem(what, column=column, found=one[:80], allowed="such as ap@example.com")
