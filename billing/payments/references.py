"""Find the numbers of invoices in what debtors and banks write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from stdnum import iso11649

_BETWEEN = r"[\s\-_/.,:+]*"
"""What banks and people put into a number, or leave out of it."""
_LONGEST_TEXT = 4000
_LEAST_CHARACTERS = 4
_LEAST_DIGITS = 6
_LEGAL_FORMS = frozenset(
    (
        "ab", "ag", "aps", "as", "bv", "co", "corp", "ev", "gmbh", "inc", "kg", "kgaa", "limited",
        "llc", "llp", "ltd", "mbh", "nv", "oy", "plc", "sa", "sarl", "sas", "se", "spa", "srl",
        "ug", "und", "and", "the",
    )
)  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae"})


def normal(text: str) -> str:
    """Letters and digits alone, in upper case: "cw-2026/17" is CW202617."""
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())


def named_in(text: str, references: Sequence[str], numbers: Iterable[str]) -> frozenset[str]:
    """The invoice numbers that a remittance names.

    In free text a number may be written with other separators, broken by spaces or without its
    leading zeros. A number that is so short that any text could hold it counts only in a
    structured reference, as itself or in a creditor reference by ISO 11649 whose check digits
    hold.
    """
    structured = {_body(one) for one in references}
    texts = [one[:_LONGEST_TEXT].upper() for one in (text, *references) if one]
    found = set()
    # The longest first: what is read as one number isn't a shorter one too.
    for number in sorted(numbers, key=lambda one: (-len(one), one)):
        hits = [_pattern(number).search(one) if _telling(number) else None for one in texts]
        if normal(number) in structured or any(hits):
            found.add(number)
        texts = [
            one if hit is None else one[: hit.start()] + "\0" + one[hit.end() :]
            for one, hit in zip(texts, hits, strict=True)
        ]
    return frozenset(found)


def _body(reference: str) -> str:
    """A structured reference, or what a creditor reference says behind its check digits."""
    bare = normal(reference)
    return bare[4:] if bare.startswith("RF") and iso11649.is_valid(bare) else bare


def _telling(number: str) -> bool:
    bare = normal(number)
    return len(bare) >= (_LEAST_DIGITS if bare.isdigit() else _LEAST_CHARACTERS)


@lru_cache(maxsize=4096)
def _pattern(number: str) -> re.Pattern[str]:
    runs = re.findall(r"[A-Z]+|\d+", number.upper())
    parts = [_digits(run) if run.isdigit() else _BETWEEN.join(run) for run in runs]
    start = r"(?<![0-9])" if runs[0].isdigit() else ""
    end = r"(?![0-9])" if runs[-1].isdigit() else r"(?![A-Z])"
    return re.compile(start + _BETWEEN.join(parts) + end)


def _digits(run: str) -> str:
    zeros, rest = len(run) - len(run.lstrip("0")), run.lstrip("0")
    optional = rf"(?:0{_BETWEEN})*" if zeros else ""
    return optional + _BETWEEN.join(rest or "0")


def same_party(written: str, known: str) -> bool:
    """Whether two names are of one party: without case, accents, order and legal form."""
    first, second = _words(written), _words(known)
    return bool(first) and first == second


def _words(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_UMLAUTS))
    words = re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)))
    return frozenset(words) - _LEGAL_FORMS
