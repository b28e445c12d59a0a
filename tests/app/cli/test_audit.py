"""`plumbline audit` from the first entry to a folder checked without the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.database import make_engine, session_scope
from app.settings import load_settings
from app.witnessing import witness_app
from governance.audit.entries import ERASED
from governance.audit.models import Action
from governance.audit.notes import parse_verifier_key
from governance.audit.proofs import check_proof, parse_proof
from governance.audit.sequencing import entry_of
from governance.audit.service import Change, read_entries, record
from governance.audit.witness import WitnessState
from governance.tenancy import EVERYTHING
from tests.factories import make_actor, make_engagement
from tests.governance.audit.authority import Authority
from tests.governance.audit.test_witness import serving

PERSON = ["--name", "Ada Person", "--organisation", "Nord", "--country", "DE", "--password"]


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A migrated installation with one engagement."""
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PLUMBLINE_AUDIT_ORIGIN", "plumbline.example.org/audit")
    assert _run("migrate").exit_code == 0
    with session_scope(make_engine(load_settings()), sees=EVERYTHING) as session:
        make_engagement(session, make_actor(session))
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _audit(*arguments: str) -> str:
    result = _run("audit", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_sequence_checkpoint_and_key(installation: Path) -> None:
    keys = installation / "var" / "keys"
    refused = _run("audit", "key")
    assert refused.exit_code == 4
    assert f"there is no key of the log in {keys}" in refused.output
    assert not keys.exists()
    for arguments in ((), ("--size", "1")):
        refused = _run("audit", "checkpoint", *arguments)
        assert refused.exit_code == 4
        assert "the log has no checkpoint yet" in refused.output
    assert _audit("sequence").startswith("1 entries of plumbline.example.org/audit, root ")
    assert _audit("sequence") == "No entries were pending.\n"
    assert _audit("checkpoint").startswith("plumbline.example.org/audit\n1\n")
    assert _audit("key").startswith("plumbline.example.org/audit+")
    assert "Everything holds: 1 entries" in _audit("check")
    refused = _run("audit", "checkpoint", "--size", "7")
    assert refused.exit_code == 4
    assert "no checkpoint of 7 entries" in refused.output
    assert "the latest is of 1" in refused.output
    assert _audit("checkpoint", "--size", "1") == _audit("checkpoint")
    assert (keys / "log.key").stat().st_mode & 0o777 == 0o600


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
    said = _audit("witness", "cosign", str(out), "--state", str(state), "--name", "w.example.org")
    policy = out / "policy"
    policy.write_text(policy.read_text() + said.splitlines()[-1] + "\n")
    assert "Cosigned by: w.example.org up to" in _audit("verify", str(out))


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


def test_a_key_is_changed_and_followed_from_the_old_one(installation: Path) -> None:
    _audit("sequence")
    old, out = _audit("key").strip(), installation / "out"
    assert _run("audit", "rotate-key").exit_code == 1
    said = _audit("rotate-key", "--yes")
    new = _audit("key").strip()
    assert new in said
    assert new != old
    _audit("export", "--out", str(out))
    for key in (old, new):
        said = _audit("verify", str(out), "--key", key)
        assert "The log has had 2 keys" in said
    assert "Everything holds" in _audit("check")
    forged = installation / "var" / "keys" / "log.key"
    forged.write_text("07" * 32)
    other = _audit("key").strip()
    result = _run("audit", "verify", str(out), "--key", other)
    assert result.exit_code == 2
    assert "no hand-over leads to it from the key that is trusted" in result.output


def test_a_stamped_checkpoint_is_verified_with_the_authoritys_certificate(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run("audit", "timestamp").exit_code == 2
    authority, out = Authority(installation / "authority"), installation / "out"
    with authority.serving() as address:
        monkeypatch.setenv("PLUMBLINE_TIMESTAMP_AUTHORITY", address)
        assert "the checkpoint of 1 entries" in _audit("timestamp")
    assert _run("audit", "timestamp").exit_code == 5
    _audit("export", "--out", str(out))
    assert "who signed them was not checked" in _audit("verify", str(out))
    root = str(installation / "authority" / "root.pem")
    said = _audit("verify", str(out), "--authority-certificate", root)
    assert "Timestamp 20" in said
    assert "not checked" not in said
    assert _run("audit", "verify", str(out), "--authority-certificate", __file__).exit_code == 2


@pytest.mark.parametrize("whole", [True, False])
def test_a_printed_root_shows_whether_the_log_was_rewritten(
    installation: Path, whole: bool
) -> None:
    _audit("sequence")
    size, root = _audit("checkpoint").splitlines()[1:3]
    out = installation / "out"
    _audit("export", "--out", str(out), *(() if whole else ("--engagement", "ENG-1")))
    assert "Everything holds" in _audit("verify", str(out), "--printed", size, root)
    other = root.replace(root[0], "B" if root[0] != "B" else "C", 1)
    result = _run("audit", "verify", str(out), "--printed", size, other)
    assert result.exit_code == 2
    assert "the printed root of 1 entries: the first 1 entries are not those" in result.output
    assert _run("audit", "verify", str(out), "--printed", "x", root).exit_code == 2


def test_an_engagement_goes_out_with_its_documents(installation: Path) -> None:
    out = installation / "out"
    assert _run("audit", "export", "--out", str(out), "--with-documents").exit_code == 2
    _audit("export", "--out", str(out), "--engagement", "ENG-1", "--with-documents")
    assert "1 documents are those" in _audit("verify", str(out))
    contract = out / "documents" / "contracts" / "1.yaml"
    whole = contract.read_bytes()
    contract.write_bytes(whole.replace(b"1000.00", b"9000.00"))
    result = _run("audit", "verify", str(out))
    assert "documents/contracts/1.yaml: the document is not the one" in result.output
    contract.write_bytes(whole)
    index = out / "documents.jsonl"
    index.write_text(index.read_text().replace("contract.yaml", "other.yaml"))
    assert "no entry names the row" in _run("audit", "verify", str(out)).output
    index.write_text(index.read_text().replace("contracts/1.yaml", "../policy"))
    (out / "documents" / "more.pdf").write_bytes(b"x")
    found = _run("audit", "verify", str(out)).output
    assert "documents/more.pdf: the index doesn't tell of this document" in found


@pytest.mark.usefixtures("installation")
def test_the_reason_of_an_entry_can_be_erased() -> None:
    with session_scope(make_engine(load_settings()), sees=EVERYTHING) as session:
        change = Change(
            Action.CONTRACT_ADDED, "engagement", 1, "E", reason="as Ada Lovelace is ill"
        )
        uid = record(session, make_actor(session), change).uid
        assert b"Lovelace" not in entry_of(session, uid).data
        assert read_entries(session, [entry_of(session, uid)])[0].reason == change.reason
    assert _run("audit", "erase-reason", uid).exit_code == 1
    _audit("erase-reason", uid, "--yes")
    with session_scope(make_engine(load_settings()), sees=EVERYTHING) as session:
        assert read_entries(session, [entry_of(session, uid)])[0].reason == ERASED
    _audit("sequence")
    assert "erased or left out: 1." in _audit("check")
    assert _run("audit", "erase-reason", uid, "--yes").exit_code == 4


def test_a_witness_is_asked_and_signs(installation: Path) -> None:
    _audit("sequence")
    state = WitnessState(installation / "witness", "w.example.org")
    log = parse_verifier_key(_audit("key").strip())
    with serving(witness_app(state, [log])) as address:
        said = _audit("witness", "ask", address, "--witness-key", str(state.key.verifier))
    assert "Cosigned by w.example.org: 1 entries" in said
    assert "— w.example.org " in _audit("checkpoint")
    assert _run("audit", "witness", "ask", "http://x", "--witness-key", str(log)).exit_code == 2


def test_an_erased_person_is_gone_and_the_log_holds(installation: Path) -> None:
    added = _run("user", "add", "ada@example.org", *PERSON, "a long enough sentence")
    assert added.exit_code == 0, added.output
    erased = _run("user", "erase", "ada@example.org", "--yes")
    assert erased.exit_code == 0, erased.output
    _audit("sequence")
    assert "erased or left out: 2." in _audit("check")
    out = installation / "out"
    _audit("export", "--out", str(out))
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"ada@example.org" not in everything
