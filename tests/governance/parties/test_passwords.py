"""Passwords: which are taken, how they are kept, how they are compared."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from governance.errors import BadInput
from governance.parties.breached import BreachedFile
from governance.parties.passwords import (
    Owner,
    PasswordRules,
    check_password,
    hash_password,
    needs_rehash,
    password_matches,
)

pytestmark = pytest.mark.usefixtures("real_passwords")

OWNER = Owner("ada@example.org", "Ada Lovelace", "Analytical Engines Ltd")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 257,
        "Password123",
        "qwertyuiop",
        "TrustNo1",
        "ada@example.org",
        "ADA@example.org",
        "ada lovelace",
        "AdaLovelace",
        "Lovelace1815!",
        "analytical engines ltd",
        "Plumbline2026!",
        "plumbline",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_password(password, OWNER)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["eight ch", "x" * 255 + "y", "ünïcödé 密码 🔑", " spaces  kept "]
)
def test_other_passwords_are_taken_whatever_their_characters(password: str) -> None:
    check_password(password, OWNER)


def test_a_breached_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "breached.txt"
    digest = sha1(b"a sentence that was lost", usedforsecurity=False).hexdigest().upper()
    path.write_text(f"{digest}:3\n")
    rules = PasswordRules(BreachedFile(path))
    check_password("a sentence that is kept", OWNER, rules)
    with pytest.raises(BadInput, match="data breach"):
        check_password("a sentence that was lost", OWNER, rules)


def test_hashes_are_argon2id_salted_and_compared_exactly() -> None:
    first, second = hash_password("a long Sentence"), hash_password("a long Sentence")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert password_matches(first, "a long Sentence")
    assert not password_matches(first, "a long sentence")
    assert not password_matches(first, "a long Sentence ")
    assert not needs_rehash(first)


def test_an_unknown_user_matches_nothing_not_even_the_dummy() -> None:
    assert not password_matches(None, "no user has this password")
    assert not password_matches("not a hash", "anything")
    assert not password_matches("", "no user has this password")


def test_hashes_of_older_parameters_are_noticed() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
