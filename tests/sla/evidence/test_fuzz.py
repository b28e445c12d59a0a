"""Mutated uploads: no crash, no hang, no wrong row; and what oversteps its bounds is ended.

`make fuzz` reads thousands of such files; these are always the same few.
"""

from __future__ import annotations

import ctypes
import gzip
import io
import time
import zipfile
from pathlib import Path

import pytest

from governance.bounded import Bounds, Crashed, Overran, run_bounded
from governance.errors import BadInput
from sla.evidence.reading import Reading, read
from tests.fuzz.running import fuzz
from tests.paths import ROOT
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING


@pytest.fixture(autouse=True)
def _workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_mutated_files(tmp_path: Path) -> None:
    report = fuzz(20260302, 40, tmp_path)
    assert report.faults == []
    assert report.accepted_rows > 0
    assert report.rejected_rows > 0
    assert report.refused > 0


def sleep(given: Reading) -> Reading:
    """Work that never ends."""
    time.sleep(3600)
    return given


def crash(given: Reading) -> Reading:
    """Work that takes its process down, as a fault in a parser would."""
    ctypes.string_at(0)
    return given


def gorge(given: Reading) -> Reading:
    """Work that takes all the memory there is."""
    held = []
    while True:
        held.append(bytearray(50_000_000))
        assert given


def fill(given: Reading) -> Reading:
    """Work that writes a file without end."""
    with (given.folder / "endless").open("wb") as stream:
        while True:
            stream.write(b"\0" * 1_000_000)
            assert given


@pytest.mark.parametrize(
    ("work", "error", "what"),
    [
        (sleep, Overran, "takes longer than 2 seconds"),
        (crash, Crashed, "reading it failed"),
        (gorge, Overran, "needs more than 300 MB of memory"),
        (fill, Crashed, "reading it failed"),
    ],
)
def test_what_oversteps_its_bounds_is_ended(
    work: object, error: type[BadInput], what: str, tmp_path: Path
) -> None:
    assert callable(work)
    seconds = 2 if work is sleep else 60
    given = Reading(tmp_path / "invoices.csv", tmp_path)
    with pytest.raises(error, match=what) as raised:
        run_bounded(work, given, Bounds(seconds, 300, 5), "invoices.csv")
    assert raised.value.problems[0].file == "invoices.csv"


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 80_000_000)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("invoices.csv.gz", gzip.compress(b"\n" * 100_000_000, 1)),
        ("invoices.xlsx", _zip_bomb()),
        ("invoices.csv", b'"' + b"x" * 30_000_000),
        ("invoices.csv", ",".join(f"c{number}" for number in range(100_000)).encode()),
    ],
    ids=["gzip bomb", "zip bomb", "endless value", "endless heading"],
)
def test_bombs_are_refused_within_their_bounds(name: str, data: bytes, tmp_path: Path) -> None:
    source = tmp_path / name
    source.write_bytes(data)
    with pytest.raises(BadInput) as raised:
        run_bounded(read, Reading(source, tmp_path), Bounds(60, 500), name)
    assert not isinstance(raised.value, Crashed | Overran)


def test_a_sound_file_is_read_and_leaves_nothing_behind(tmp_path: Path) -> None:
    source, result = tmp_path / "invoices.csv", tmp_path / "result"
    source.write_text(INVOICES_HEADING + INVOICE)
    result.mkdir()
    found = run_bounded(read, Reading(source, result), Bounds(60, 500), "invoices.csv")
    (file,) = found.files
    assert (file.dataset, file.rows) == ("invoices", 1)
    assert [path.name for path in result.iterdir()] == [f"{file.sha256}.parquet"]


@pytest.mark.parametrize("day", ["0000-01-01", "0999-12-31", "0000-01-01T10:00:00"])
def test_years_that_no_ledger_has(day: str, tmp_path: Path) -> None:
    source, result = tmp_path / "invoices.csv", tmp_path / "result"
    source.write_text(INVOICES_HEADING + INVOICE.replace("2013-01-02", day))
    result.mkdir()
    found = read(Reading(source, result))
    assert [one.value for one in found.rejections] == [day]
