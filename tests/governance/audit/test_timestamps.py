"""Timestamps by a real authority over a real socket, checked offline."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from sqlalchemy import Engine, select

from app.audit_log import sequence
from app.database import session_scope
from app.timestamping import Stamper, stamp_latest
from governance.audit.export import export_log
from governance.audit.folder_check import Held, Policy, check_folder
from governance.audit.keys import KeyFolder
from governance.audit.models import Action, AuditTimestamp
from governance.audit.service import Change, record
from governance.audit.timestamps import check_token, due_timestamp, read_answer, request_for
from governance.audit.verification import Verdict
from governance.errors import InvalidTimestamp, Unreachable
from governance.tenancy import EVERYTHING
from tests.governance.audit.authority import Authority
from tests.governance.audit.logs import (
    ACTOR,
    add_entries,
    check,
    complaints,
    make_log,
    stored_checkpoint,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that is trusted."""
    return Authority(tmp_path_factory.mktemp("authority"))


def _export(engine: Engine, keys: KeyFolder, folder: Path) -> Path:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        export_log(session, keys.signer().verifier, folder)
    return folder


def _stamps(engine: Engine) -> list[int]:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return [one.size for one in session.scalars(select(AuditTimestamp))]


def test_a_stamp_goes_out_with_the_export_and_is_checked(
    fresh_engine: Engine, tmp_path: Path, authority: Authority
) -> None:
    keys = make_log(fresh_engine, tmp_path, 3)
    with authority.serving() as address:
        size, stamp = stamp_latest(fresh_engine, address)
        assert stamp_latest(fresh_engine, address)[0] == size == 3
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert complaints(check(fresh_engine, keys)) == []
    folder = _export(fresh_engine, keys, tmp_path / "out")
    assert sorted(path.name for path in (folder / "timestamps").iterdir()) == ["3-2.tsr", "3.tsr"]
    unchecked = _verdict(folder, keys)
    assert complaints(unchecked) == []
    assert [one.stamp.checked for one in unchecked.stamps] == [False, False]
    trusted = _verdict(folder, keys, authority)
    assert complaints(trusted) == []
    assert [(one.size, one.stamp.checked) for one in trusted.stamps] == [(3, True), (3, True)]


def _verdict(folder: Path, keys: KeyFolder, *authorities: Authority) -> Verdict:
    held = Held(authorities=tuple(one.root for one in authorities))
    return check_folder(folder, Policy(keys.signer().verifier), held)


def test_an_authority_that_is_not_trusted_is_named(
    sqlite_engine: Engine, tmp_path: Path, authority: Authority
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    with authority.serving() as address:
        stamp_latest(sqlite_engine, address)
    folder = _export(sqlite_engine, keys, tmp_path / "out")
    (found,) = complaints(_verdict(folder, keys, Authority(tmp_path / "other")))
    assert found.startswith("timestamps/3.tsr: none of the trusted authorities has signed it")
    (folder / "timestamps" / "3.tsr").write_bytes(b"nothing")
    assert "no time-stamp response" in complaints(_verdict(folder, keys))[0]


def test_a_token_of_something_else_is_named(authority: Authority) -> None:
    token = authority.answer(request_for("another\n").as_bytes())
    with pytest.raises(InvalidTimestamp, match="something else"):
        check_token("this\n", token)
    other = request_for("this\n")
    with pytest.raises(InvalidTimestamp, match="another request"):
        read_answer("this\n", other, authority.answer(request_for("this\n").as_bytes()))


def test_every_byte_of_a_token_counts_once_the_authority_is_trusted(authority: Authority) -> None:
    token = bytearray(authority.answer(request_for("note\n").as_bytes()))
    assert check_token("note\n", bytes(token), [authority.root]).checked
    believed = []
    for at in range(0, len(token), 7):
        token[at] ^= 1
        try:
            stamp = check_token("note\n", bytes(token), [authority.root])
            believed.append(stamp.at)
        except InvalidTimestamp:
            pass
        token[at] ^= 1
    true = check_token("note\n", bytes(token)).at
    assert set(believed) <= {true}, "another time was believed"


def test_a_refusal_is_named(authority: Authority) -> None:
    request = TimestampRequestBuilder(b"note\n", HashAlgorithm.SHA256).build()
    damaged = authority.answer(request.as_bytes()[:-4])
    with pytest.raises(InvalidTimestamp, match="refused"):
        read_answer("note\n", request, damaged)


def _grave(engine: Engine, keys: KeyFolder) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        record(session, ACTOR, Change(Action.INVOICE_ISSUED, "fee_invoice", 1, "CW-1"))
    sequence(engine, keys)


def test_stamps_are_asked_for_daily_and_after_what_is_grave(
    sqlite_engine: Engine, tmp_path: Path, authority: Authority
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 2)
    now = datetime.now(UTC)
    with authority.serving() as address:
        stamper = Stamper(sqlite_engine, address)
        stamper(now)
        stamper(now)
        add_entries(sqlite_engine, 1, 2)
        sequence(sqlite_engine, keys)
        stamper(now)
        assert _stamps(sqlite_engine) == [2]
        _grave(sqlite_engine, keys)
        stamper(now)
        assert _stamps(sqlite_engine) == [2, 4]
        add_entries(sqlite_engine, 1, 4)
        sequence(sqlite_engine, keys)
        stamper(now + timedelta(days=1))
        assert _stamps(sqlite_engine) == [2, 4, 5]


def test_a_failure_is_logged_and_tried_again_later(
    sqlite_engine: Engine, tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    make_log(sqlite_engine, tmp_path, 2)
    now = datetime.now(UTC)
    with authority.serving() as address:
        pass
    stamper = Stamper(sqlite_engine, address)
    with caplog.at_level(logging.WARNING):
        stamper(now)
        stamper(now + timedelta(minutes=4))
    assert [one.message[:13] for one in caplog.records] == ["no timestamp:"]
    assert _stamps(sqlite_engine) == []
    with pytest.raises(Unreachable):
        stamp_latest(sqlite_engine, address)
    Stamper(sqlite_engine, "")(now)


def test_nothing_is_due_in_an_empty_log(sqlite_engine: Engine) -> None:
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        assert due_timestamp(session, datetime.now(UTC)).checkpoint is None


def test_the_stamped_bytes_are_those_of_the_note(
    sqlite_engine: Engine, tmp_path: Path, authority: Authority
) -> None:
    make_log(sqlite_engine, tmp_path, 2)
    note = stored_checkpoint(sqlite_engine).note
    token = authority.answer(request_for(note).as_bytes())
    assert check_token(note, token, [authority.root])
    assert authority.root.public_bytes(Encoding.PEM).startswith(b"-----BEGIN CERT")
