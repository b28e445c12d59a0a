"""Passwords: argon2id hashes, and which passwords are too weak to be taken."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from governance.errors import BadInput, Problem
from governance.parties.common_passwords import COMMON_PASSWORDS

_HASHER = PasswordHasher()
"""RFC 9106's low-memory profile, which is the library's default: 64 MiB, 3 passes, 4 lanes."""
_DUMMY = _HASHER.hash("no user has this password")
_SHORTEST = 8
_LONGEST = 256


def check_password(password: str, *, email: str) -> None:
    """Raise BadInput for a password that is too short, too long, common, or the e-mail itself."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise _refusal(f"the password has {len(password)} characters")
    if password.casefold() in COMMON_PASSWORDS:
        raise _refusal("the password is among the most common ones")
    if password.casefold() in {email.casefold(), email.partition("@")[0].casefold()}:
        raise _refusal("the password is the e-mail address")


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
    try:
        _HASHER.verify(password_hash or _DUMMY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with older parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)
