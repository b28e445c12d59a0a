"""Passwords: argon2id hashes, and which passwords are too weak to be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from governance.errors import BadInput, Problem
from governance.parties.breached import BreachedFile, is_common

_HASHER = PasswordHasher()
"""RFC 9106's low-memory profile, which is the library's default: 64 MiB, 3 passes, 4 lanes."""
_DUMMY = _HASHER.hash("no user has this password")
_SHORTEST = 8
_LONGEST = 256
_PRODUCT = "plumbline"
_TRIMMINGS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
"""Digits and signs at both ends, which make no name a secret."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """Which passwords an installation refuses besides short and common ones."""

    breached: BreachedFile | None = None


BASIC_RULES = PasswordRules()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose password it is: what others know of the person is no secret."""

    email: str
    name: str = ""
    organisation: str = ""

    def known(self) -> frozenset[str]:
        """All that others would try first, in lower case and without spaces."""
        texts = (self.email, self.email.partition("@")[0], self.name, *self.name.split())
        return frozenset(_squeezed(one) for one in (*texts, self.organisation, _PRODUCT)) - {""}


def check_password(password: str, owner: Owner, rules: PasswordRules = BASIC_RULES) -> None:
    """Raise BadInput for a password that is too short, too long, common, breached, or what
    others know of its owner. Any characters will do.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise _refusal(f"the password has {len(password)} characters")
    if is_common(password):
        raise _refusal("the password is among the most common ones")
    if _is_known(password, owner):
        raise _refusal("the password is the name, the e-mail address, the employer or the product")
    if rules.breached is not None and rules.breached.holds(password):
        raise _refusal("the password has appeared in a data breach")


def _is_known(password: str, owner: Owner) -> bool:
    squeezed = _squeezed(password)
    return not owner.known().isdisjoint({squeezed, _TRIMMINGS.sub("", squeezed)})


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def _refusal(what: str) -> BadInput:
    return BadInput.one(
        Problem(
            what,
            column="password",
            allowed=f"{_SHORTEST} to {_LONGEST} characters of any kind that nobody would guess",
        )
    )


def hash_password(password: str) -> str:
    """The argon2id hash to store, salt and parameters included."""
    return _HASHER.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; None (no such user) takes as long as a wrong password."""
    known = password_hash if has_password(password_hash) else None
    try:
        _HASHER.verify(known or _DUMMY, password)
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def has_password(password_hash: str | None) -> bool:
    """Whether there is a password at all: those who only sign in by other ways have none."""
    return bool(password_hash) and str(password_hash).startswith("$argon2")


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with older parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)
