"""How numbers stand in the sentences beside a service credit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from governance.values import Period
from sla.service_credits.values import ServiceCredits
from sla.service_credits.wording import number_words, ordinal

_ORDINALS = "0th 1st 2nd 3rd 4th 9th 10th 11th 12th 13th 14th 20th 21st 22nd 23rd 24th"
_BEYOND = "30th 33rd 34th 100th 101st 102nd 103rd 110th 111th 112th 113th 114th 121st 212th 1011th"


@pytest.mark.parametrize("words", f"{_ORDINALS} {_BEYOND}".split())
def test_ordinals(words: str) -> None:
    assert ordinal(int(words[:-2])) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("98.50", "98.50"),
        ("-5.0", "-5.0"),
        ("-0.0", "0.0"),
        ("1E+2", "100"),
        ("0.100000000000", "0.100000000000"),
        ("0.1234567890125", "0.123456789013"),
        ("0.1000000000000", "0.1"),
    ],
)
def test_values_keep_their_decimals_up_to_twelve(value: str, words: str) -> None:
    assert number_words(Decimal(value)) == words


def test_a_service_level_that_is_not_stated_was_credited_nothing() -> None:
    nothing = Decimal(0)
    given = ServiceCredits(
        Period.month(2026, 1), "EUR", nothing, None, (), nothing, nothing, nothing, nothing
    )
    assert given.counted_of("SL-01") == 0
