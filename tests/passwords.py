"""Password hashes that cost little: what a sign-in costs is nothing that most tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from governance.parties import passwords
from tests import factories

_REAL = passwords._HASHER
_QUICK = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Every hash of this process is made with the least that argon2id allows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", _QUICK)
        patch.setattr(passwords, "_DUMMY", _QUICK.hash("no user has this password"))
        patch.setattr(factories, "_PASSWORD_HASH", _QUICK.hash(factories.PASSWORD))
        yield


@pytest.fixture
def real_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters of an installation, for tests that are about them."""
    monkeypatch.setattr(passwords, "_HASHER", _REAL)
