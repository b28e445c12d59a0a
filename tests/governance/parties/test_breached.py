"""Look-ups of breached passwords: the package's own list, and a file too large to be read whole."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import pytest

from governance.parties.breached import BreachedFile, is_common

LOST = [f"password number {number}" for number in range(500)]


def _digest(password: str) -> str:
    return sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture(params=["\n", "\r\n"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> BreachedFile:
    """Digests in ascending order with counts of several lengths, as such lists are published."""
    lines = sorted(f"{_digest(one)}:{3 ** (at % 9)}" for at, one in enumerate(LOST))
    path = tmp_path / "breached.txt"
    path.write_bytes("".join(f"{line}{request.param}" for line in lines).encode())
    return BreachedFile(path)


def test_each_line_is_found_the_first_and_the_last_too(file: BreachedFile) -> None:
    assert all(file.holds(one) for one in LOST)


def test_others_are_not_found(file: BreachedFile) -> None:
    assert not any(file.holds(f"{one} more") for one in LOST)


def test_the_last_line_needs_no_end(file: BreachedFile) -> None:
    file.path.write_bytes(file.path.read_bytes().rstrip())
    assert all(file.holds(one) for one in LOST)


@pytest.mark.parametrize("count", [0, 1])
def test_a_tiny_file_will_do(tmp_path: Path, count: int) -> None:
    path = tmp_path / "breached.txt"
    path.write_text("".join(f"{_digest(one).lower()}:1\n" for one in LOST[:count]))
    assert BreachedFile(path).holds(LOST[0]) is bool(count)
    assert not BreachedFile(path).holds("another")


def test_few_lines_are_read(file: BreachedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(opened: object, offset: int) -> tuple[int, bytes]:
        read.append(offset)
        return line_from(opened, offset)  # type: ignore[arg-type] # The file that was opened.

    from governance.parties import breached  # noqa: PLC0415 (its function is watched)

    line_from = breached._line_from
    monkeypatch.setattr(breached, "_line_from", counted)
    file.holds("another")
    assert len(read) < 20


def test_a_missing_file_is_an_error_and_no_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        BreachedFile(tmp_path / "nothing").holds("anything")


def test_common_passwords_are_known_in_any_case() -> None:
    assert is_common("TrustNo1")
    assert not is_common("a long enough sentence")
