"""Points of the checklist on what is handed in and what is taken away."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from itertools import repeat
from pathlib import Path

import pytest
from litestar.datastructures import UploadFile

from app.security.authentication import cookie_name
from app.security.csrf import csrf_token
from app.web.uploads import file_name, on_disk
from governance.errors import BadInput
from sla.evidence.limits import limits
from sla.evidence.workbooks import check_archive
from tests.app.security.raw import Answer, send_raw
from tests.app.web.support import World
from tests.factories import contract_bytes

_PIECE = b"x" * 1024
_ENDLESS = 10**6
"""Pieces; nobody reads so many."""
_SHEET = "<worksheet><sheetData>{}</sheetData></worksheet>"
_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
_XML_ATTACKS = {
    "external entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + _SHEET.format("&x;"),
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}]>' + _SHEET.format("&l9;"),
    "quadratic blow-up": f'<!DOCTYPE a [<!ENTITY b "{"b" * 50_000}">]>'
    + _SHEET.format("&b;" * 5_000),
    "outside document type": '<!DOCTYPE a SYSTEM "http://203.0.113.1/a.dtd">' + _SHEET.format(""),
}


def _archive(
    path: Path, members: dict[str | zipfile.ZipInfo, str], packing: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("attack", _XML_ATTACKS)
def test_08_document_types_in_workbooks_are_refused(attack: str, tmp_path: Path) -> None:
    """ASVS 1.5.1. Refused where they are declared, before anything is expanded or fetched."""
    members: dict[str | zipfile.ZipInfo, str] = {"xl/worksheets/sheet1.xml": _XML_ATTACKS[attack]}
    path = _archive(tmp_path / "a.xlsx", members, zipfile.ZIP_STORED)
    with pytest.raises(BadInput, match="can't be read as a sheet"):
        check_archive(path, "a.xlsx")


def test_16_what_was_uploaded_is_saved_and_never_run(own_world: World) -> None:
    """ASVS 3.2.1. A contract that is also a page with a script goes out as a file of its type."""
    page = b"# <html><script>alert(1)</script></html>\n" + contract_bytes("ENG-9")
    with own_world.signed_in(own_world.manager) as (browser, token):
        files = {"contract": ("page.html", page, "text/html")}
        answer = browser.post("/contracts", data={"csrf_token": token}, files=files)
        assert answer.status_code == 303
        got = browser.get(f"{answer.headers['location']}/contracts/1")
    assert got.content == page
    assert got.headers["content-type"].split(";")[0] == "application/yaml"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"


def _endless() -> Iterator[bytes]:
    return repeat(_PIECE, _ENDLESS)


def _post(world: World, path: str, content_type: str, pieces: Iterator[bytes]) -> Answer:
    secret = world.start_session(world.manager)
    headers = {
        "Host": "testserver.local",
        "Cookie": f"{cookie_name(world.settings, 'session')}={secret}",
        "X-CSRF-Token": csrf_token(secret),
        "Content-Type": content_type,
    }
    return send_raw(world.app, "POST", path, headers, pieces)


@pytest.mark.parametrize(
    ("path", "content_type", "pieces"),
    [
        ("/sign-out", "text/plain", 70),
        ("/sign-out", "application/json", 70),
        ("/sign-out", "application/x-www-form-urlencoded", 70),
        ("/engagements/ENG-1/periods", "application/x-www-form-urlencoded", 70),
        ("/contracts", "multipart/form-data; boundary=b", 1200),
    ],
)
def test_25_a_body_without_length_is_cut_off_at_the_limit(
    world: World, path: str, content_type: str, pieces: int
) -> None:
    """ASVS 5.2.1. Also where the handler reads no body at all."""
    answer = _post(world, path, content_type, _endless())
    assert answer.status == 413
    assert answer.pieces_read < pieces
    assert "content-security-policy" in answer.headers


def test_25_a_body_with_a_length_is_refused_before_a_byte_of_it_is_read(world: World) -> None:
    """ASVS 5.2.1."""
    headers = {"Host": "testserver.local", "Content-Length": str(10**9)}
    answer = send_raw(world.app, "POST", "/sign-in", headers, _endless())
    assert (answer.status, answer.pieces_read) == (413, 0)


def test_26_an_archive_of_too_many_parts_is_refused(tmp_path: Path) -> None:
    """ASVS 5.2.3."""
    most = limits().workbook_parts
    members: dict[str | zipfile.ZipInfo, str] = {f"part{i}": "x" for i in range(most)}
    with pytest.raises(BadInput, match="parts; at most"):
        check_archive(_archive(tmp_path / "a.xlsx", members), "a.xlsx")


def test_26_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    """ASVS 5.2.3. The parts are read no further than announced, and then their sums are wrong."""
    members: dict[str | zipfile.ZipInfo, str] = {
        "xl/worksheets/sheet1.xml": "<a>" + " " * 5_000_000
    }
    data = _archive(tmp_path / "a.xlsx", members).read_bytes()
    honest = (5_000_003).to_bytes(4, "little")
    assert data.count(honest) == 2
    (tmp_path / "a.xlsx").write_bytes(data.replace(honest, (100).to_bytes(4, "little")))
    with pytest.raises(BadInput):
        check_archive(tmp_path / "a.xlsx", "a.xlsx")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:\\x"])
def test_27_parts_that_lead_out_of_their_archive_are_refused(name: str, tmp_path: Path) -> None:
    """ASVS 5.3.2."""
    with pytest.raises(BadInput, match="leads out of the archive"):
        check_archive(_archive(tmp_path / "a.xlsx", {name: "x"}), "a.xlsx")


def test_27_a_link_in_an_archive_is_never_followed(tmp_path: Path) -> None:
    """ASVS 5.3.2. Archives are read where they lie: nothing of them is ever unpacked to disk."""
    link = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    path = _archive(tmp_path / "a.xlsx", {link: "/etc/passwd"})
    before = set(tmp_path.rglob("*"))
    check_archive(path, "a.xlsx")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\ledger.csv", "ledger.csv"),
        ("ledger.csv\0.exe", "ledger.csv.exe"),
        ("a\r\nb.csv", "ab.csv"),
        ("..", ""),
        (".", ""),
        ("\0", ""),
        ("x" * 500 + ".csv", "x" * 146 + ".csv"),
    ],
)
def test_27_an_upload_keeps_only_a_bare_name(sent: str, kept: str) -> None:
    """ASVS 5.3.2."""
    upload = UploadFile("text/csv", sent)
    with closing(upload.file):
        assert file_name(upload) == kept


def test_27_an_upload_is_written_inside_a_new_folder_of_its_own(tmp_path: Path) -> None:
    """ASVS 5.3.2. A link that stands there already can't catch it, as the folder is new."""
    upload = UploadFile("text/csv", "../../outside.csv", b"x")
    with closing(upload.file), on_disk([upload], tmp_path / "uploads") as (path, _):
        assert path.parent.parent == tmp_path / "uploads"
        assert path.read_bytes() == b"x"
        assert path.parent.stat().st_mode & 0o077 == 0
    assert [*(tmp_path / "uploads").iterdir()] == []


def test_27_extension_and_content_have_to_agree(world: World) -> None:
    """ASVS 5.2.2."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x", "y")
    with world.signed_in(world.manager) as (browser, token):
        for name, data in (("invoices.csv", stream.getvalue()), ("invoices.parquet", b"a,b\n")):
            answer = browser.post(
                "/engagements/ENG-1/evidence",
                data={"csrf_token": token},
                files=[("files", (name, data))],
            )
            assert answer.status_code == 422, name
