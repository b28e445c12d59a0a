"""What is sealed can be read again, with the same secret and for the same purpose only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.security.sealing import SealBroken, seal, unseal

SECRET = b"a secret of the installation's own"


@given(st.binary(max_size=200))
def test_what_is_sealed_comes_back(data: bytes) -> None:
    assert unseal(SECRET, "mail", seal(SECRET, "mail", data)) == data


def test_the_same_is_never_sealed_alike() -> None:
    assert seal(SECRET, "mail", b"text") != seal(SECRET, "mail", b"text")


def test_another_secret_or_purpose_opens_nothing() -> None:
    sealed = seal(SECRET, "mail", b"text")
    for secret, purpose in ((b"another", "mail"), (SECRET, "app")):
        with pytest.raises(SealBroken):
            unseal(secret, purpose, sealed)


def test_each_altered_byte_is_noticed() -> None:
    sealed = seal(SECRET, "mail", b"text")
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(SealBroken):
            unseal(SECRET, "mail", altered)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(11), b"\x02" + bytes(40)])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(SECRET, "mail", sealed)
