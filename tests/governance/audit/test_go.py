"""An implementation that shares nothing with ours says the same: Go's sumdb/note and tlog."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import col

from app.database import session_scope
from governance.audit.export import export_log
from governance.audit.log_proofs import proof_of
from governance.audit.models import AuditEntry
from governance.tenancy import EVERYTHING
from tests.governance.audit.logs import make_log

_SOURCES = Path("/usr/share/gocode")
"""Where Debian's packages put Go libraries."""
_PROGRAM = Path(__file__).with_name("gocheck.go")

pytestmark = pytest.mark.skipif(
    shutil.which("go") is None or not (_SOURCES / "src/golang.org/x/mod/sumdb/tlog").is_dir(),
    reason="needs Go and its sumdb packages: apt-get install golang-go golang-golang-x-mod-dev",
)


def _go(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(_SOURCES),
        "GOCACHE": str(cache),
        "GOFLAGS": "",
    }
    command = ["go", "run", str(_PROGRAM), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_go_agrees_on_checkpoint_root_and_proof(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys, folder = make_log(sqlite_engine, tmp_path, 100, 300), tmp_path / "out"
    log = keys.signer().verifier
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        export_log(session, log, folder)
        chosen = select(col(AuditEntry.uid)).where(col(AuditEntry.leaf_index) == 123)
        proof = proof_of(session, session.scalars(chosen).one())
    ran = _go(tmp_path / "cache", str(folder), str(log), "123")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [base64.b64encode(one).decode() for one in proof.path]
    bundle = folder / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"n":124', b'"n":125'))
    assert _go(tmp_path / "cache", str(folder), str(log), "123").returncode == 1
