"""`plumbline audit` from the first entry to a folder checked without the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.database import make_engine, session_scope
from app.settings import load_settings
from governance.audit.notes import parse_verifier_key
from governance.audit.proofs import check_proof, parse_proof
from tests.factories import make_actor, make_engagement

PERSON = ["--name", "Ada Person", "--organisation", "Nord", "--country", "DE", "--password"]


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A migrated installation with one engagement."""
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumbline.example.org")
    assert _run("migrate").exit_code == 0
    with session_scope(make_engine(load_settings())) as session:
        make_engagement(session, make_actor(session))
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _audit(*arguments: str) -> str:
    result = _run("audit", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_sequence_checkpoint_and_key(installation: Path) -> None:
    assert _run("audit", "checkpoint").exit_code == 4
    assert _audit("sequence").startswith("1 entries of plumbline.example.org/audit, root ")
    assert _audit("sequence") == "No entries were pending.\n"
    assert _audit("checkpoint").startswith("plumbline.example.org/audit\n1\n")
    assert _audit("key").startswith("plumbline.example.org/audit+")
    assert "Everything holds: 1 entries" in _audit("check")
    assert (installation / "var" / "keys" / "log.key").stat().st_mode & 0o777 == 0o600


def test_export_and_verify(installation: Path) -> None:
    out, held = installation / "out", installation / "held"
    _audit("sequence")
    held.write_text(_audit("checkpoint"), encoding="utf-8")
    assert "2 entries" in _audit("export", "--out", str(out))
    key = _audit("key").strip()
    said = _audit("verify", str(out), "--checkpoint", str(held), "--key", key)
    assert "Everything holds: 2 entries" in said
    assert "folder's own" not in said
    assert "folder's own" in _audit("verify", str(out))
    told = json.loads(_audit("verify", str(out), "--json"))
    assert (told["size"], told["problems"]) == (2, [])
    assert _run("audit", "export", "--out", str(out)).exit_code == 2


def test_a_changed_folder_is_refused_with_every_problem(installation: Path) -> None:
    out = installation / "out"
    _audit("export", "--out", str(out))
    bundle = out / "tile" / "entries" / "000.p" / "2"
    bundle.write_bytes(bundle.read_bytes().replace(b"ENG-1", b"ENG-2"))
    result = _run("audit", "verify", str(out))
    assert result.exit_code == 2
    assert "tile/0/000.p/2: the hash of entry 0 is not the entries'" in result.output
    (out / "checkpoint").write_text("x")
    assert _run("audit", "verify", str(out)).exit_code == 2


def test_a_witness_cosigns_an_export(installation: Path) -> None:
    out, state = installation / "out", installation / "state"
    _audit("export", "--out", str(out))
    said = _audit("witness", str(out), "--state", str(state), "--name", "w.example.org")
    policy = out / "policy"
    policy.write_text(policy.read_text() + said.splitlines()[-1] + "\n")
    assert "Cosigned by: w.example.org." in _audit("verify", str(out))


def test_one_engagements_proofs(installation: Path) -> None:
    out = installation / "proofs"
    assert "proofs in" in _audit("export", "--out", str(out), "--engagement", "ENG-1")
    assert "2 proofs hold" in _audit("verify", str(out))
    uid = next((out / "proofs").iterdir()).stem
    alone = installation / "one.tlog-proof"
    _audit("proof", uid, "--out", str(alone))
    text = alone.read_text(encoding="utf-8")
    assert _audit("proof", uid) == text
    proof = parse_proof(text)
    assert check_proof(proof, proof.extra, parse_verifier_key(_audit("key").strip()))
    assert _run("audit", "proof", "unknown").exit_code == 4
    unknown = installation / "unknown"
    assert _run("audit", "export", "--out", str(unknown), "--engagement", "X").exit_code == 4


def test_an_erased_person_is_gone_and_the_log_holds(installation: Path) -> None:
    added = _run("user", "add", "ada@example.org", *PERSON, "a long enough sentence")
    assert added.exit_code == 0, added.output
    erased = _run("user", "erase", "ada@example.org", "--yes")
    assert erased.exit_code == 0, erased.output
    _audit("sequence")
    assert "2 personal values are erased" in _audit("check")
    out = installation / "out"
    _audit("export", "--out", str(out))
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"ada@example.org" not in everything
