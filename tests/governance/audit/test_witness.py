"""Witnesses over HTTP: both ends over a real socket, and every status of the protocol."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import httpx
import pytest
import uvicorn
from litestar import Litestar
from sqlalchemy import Engine, select

from app.audit_log import sequence
from app.database import make_engine, session_scope
from app.witnessing import ask_witness, witness_app
from governance.audit.export import export_log
from governance.audit.folder_check import Policy, check_folder, read_policy
from governance.audit.keys import KeyFolder
from governance.audit.log_proofs import growth_of
from governance.audit.models import AuditCosignature
from governance.audit.notes import COSIGNATURE, SignerKey
from governance.audit.sequencing import checkpoint_of
from governance.audit.witness import SIZE_TYPE, Submission, WitnessState, add_checkpoint
from governance.errors import Conflict, InvalidNote, Unreachable
from governance.tenancy import EVERYTHING
from tests.governance.audit.logs import add_entries, check, complaints, make_log

NAME = "witness.example.org/w1"
AT = 1_700_000_000


@contextmanager
def serving(app: Litestar) -> Iterator[str]:
    """The application behind a socket of its own."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    ready = threading.Event()
    started = server.startup

    async def startup(sockets: list[socket] | None = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign] # To learn when it listens.
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def state(tmp_path: Path) -> WitnessState:
    """A witness's folder."""
    return WitnessState(tmp_path / "witness", NAME)


def _submission(engine: Engine, old: int, size: int) -> Submission:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        note = checkpoint_of(session, size).note
        return Submission(old, growth_of(session, old, size), note)


def test_a_log_asks_and_exports_what_the_witness_signed(
    fresh_engine: Engine, tmp_path: Path, state: WitnessState
) -> None:
    keys = make_log(fresh_engine, tmp_path, 3)
    witness = state.key.verifier
    with serving(witness_app(state, [keys.signer().verifier])) as address:
        assert ask_witness(fresh_engine, address, witness).size == 3
        add_entries(fresh_engine, 5, 3)
        sequence(fresh_engine, keys)
        assert ask_witness(fresh_engine, f"{address}/", witness).size == 8
        assert ask_witness(fresh_engine, address, witness).size == 8
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        assert len(session.scalars(select(AuditCosignature)).all()) == 2
        export_log(session, keys.signer().verifier, tmp_path / "out")
    policy = read_policy(tmp_path / "out")
    assert policy.witnesses == (witness,)
    verdict = check_folder(tmp_path / "out", policy)
    assert (complaints(verdict), verdict.cosigned) == ([], {NAME: 8})
    assert complaints(check(fresh_engine, keys)) == []
    other = SignerKey(NAME, bytes(32), COSIGNATURE).verifier
    assert check_folder(tmp_path / "out", Policy(policy.log, (other,))).cosigned == {}


def test_a_log_that_forgot_asks_again_with_the_witnesss_size(
    sqlite_engine: Engine, tmp_path: Path, state: WitnessState
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3, 9)
    submission = _submission(sqlite_engine, 0, 3)
    logs = [keys.signer().verifier]
    assert add_checkpoint(state, logs, submission.text.encode(), AT).status == 200
    with serving(witness_app(state, logs)) as address:
        assert ask_witness(sqlite_engine, address, state.key.verifier).size == 9


def test_a_rewritten_log_gets_no_cosignature(
    sqlite_engine: Engine, sqlite_template: Path, tmp_path: Path, state: WitnessState
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 5)
    logs = [keys.signer().verifier]
    first = _submission(sqlite_engine, 0, 5)
    assert add_checkpoint(state, logs, first.text.encode(), AT).status == 200
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    forged = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    (keys.folder / "last-checkpoint").unlink()
    with serving(witness_app(state, logs)) as address:
        for size, why in ((3, "entries are missing"), (5, "refuses with 409"), (7, "with 422")):
            add_entries(forged, 2 if size > 3 else 3, size)
            sequence(forged, keys)
            with pytest.raises(Conflict, match=why):
                ask_witness(forged, address, state.key.verifier)
    forged.dispose()
    seen = state.seen(keys.signer().name)
    assert seen is not None
    assert seen.size == 5


def test_answers_that_are_no_cosignature_are_refused(
    sqlite_engine: Engine, tmp_path: Path, state: WitnessState
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    other = SignerKey(NAME, bytes(32), COSIGNATURE).verifier
    with serving(witness_app(state, [keys.signer().verifier])) as address:
        with pytest.raises(InvalidNote, match="not signed with the key that is trusted"):
            ask_witness(sqlite_engine, address, other)
        with pytest.raises(Conflict, match="refuses with 404"):
            ask_witness(sqlite_engine, f"{address}/nowhere", state.key.verifier)
    with pytest.raises(Unreachable, match="doesn't answer"):
        ask_witness(sqlite_engine, address, state.key.verifier)


def _log(engine: Engine, folder: Path) -> KeyFolder:
    return make_log(engine, folder, 3, 8)


def test_every_status_of_the_protocol(
    sqlite_engine: Engine, tmp_path: Path, state: WitnessState
) -> None:
    keys = _log(sqlite_engine, tmp_path)
    log = keys.signer()
    good = _submission(sqlite_engine, 0, 3)
    later = _submission(sqlite_engine, 3, 8)
    stranger = SignerKey(log.name, bytes(32))
    text = good.note.partition("\n\n")[0] + "\n"
    cases = [
        (b"\xff", 400),
        (b"old x\n\n", 400),
        (b"old 0\n\nno note", 400),
        (good.text.replace("old 0", "old 00").encode(), 400),
        (Submission(0, (bytes(32),) * 64, good.note).text.encode(), 400),
        (Submission(4, (), good.note).text.encode(), 400),
        (good.text.replace(log.name, "other.example.org").encode(), 404),
        (Submission(0, (), stranger.sign(text)).text.encode(), 403),
        (later.text.encode(), 409),
        (Submission(0, (bytes(32),), good.note).text.encode(), 422),
        (good.text.encode(), 200),
        (good.text.encode(), 409),
        (Submission(3, later.proof[::-1], later.note).text.encode(), 422),
        (Submission(3, (), good.note).text.encode(), 200),
        (later.text.encode(), 200),
        (later.text.encode(), 409),
    ]
    with serving(witness_app(state, [log.verifier])) as address, httpx.Client() as client:
        answers = [client.post(f"{address}/add-checkpoint", content=body) for body, _ in cases]
        assert client.get(f"{address}/add-checkpoint").status_code == 405
        large = client.post(f"{address}/add-checkpoint", content=b"x" * 100_000)
    assert [answer.status_code for answer in answers] == [status for _, status in cases]
    assert large.status_code == 413
    assert answers[-1].text == "8\n"
    assert answers[-1].headers["Content-Type"].startswith(SIZE_TYPE)


def test_a_witness_never_believes_a_changed_memory(
    sqlite_engine: Engine, tmp_path: Path, state: WitnessState
) -> None:
    log = _log(sqlite_engine, tmp_path).signer()
    add_checkpoint(state, [log.verifier], _submission(sqlite_engine, 0, 3).text.encode(), AT)
    (file,) = state.folder.glob("last-cosigned-*")
    file.write_text(file.read_text(encoding="utf-8").replace("\n3\n", "\n2\n"), encoding="utf-8")
    with pytest.raises(Conflict, match="not what this witness has signed"):
        state.seen(log.name)
