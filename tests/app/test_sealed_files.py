"""`plumbline verify`: equal on an installation and from files, and every altered byte is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli import main
from app.database import make_engine, migrate, session_scope
from app.seal_bundle import SUMS_FILE, write_bundle
from billing.settlement.reviewing import apply_decisions, seal_period, submit_period
from billing.settlement.service import settle_period
from governance.access import Role
from governance.engagements.models import ContractVersion, Engagement
from governance.tables import canonical_json, digest
from governance.tenancy import EVERYTHING
from sla.evidence.store import EvidenceStore
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.judging import contest_item
from sla.reviews.queries import review_of, seal_of_period
from sla.reviews.turns import Proposal
from sla.reviews.values import Ruling
from sla.reviews.verifying import verify_seal
from tests.factories import (
    FEBRUARY,
    JANUARY,
    approve,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An installation with two sealed months, and the bundle of the first."""

    folder: Path
    bundle: Path
    unpacked: Path
    document: bytes

    def run(self, *arguments: str) -> Result:
        """`plumbline verify` on this installation."""
        environment = {"PLUMBLINE_DATA_DIR": str(self.folder), "PLUMBLINE_DATABASE_URL": ""}
        return CliRunner().invoke(main, ["verify", *arguments], env=environment)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("installation")
    engine = make_engine(f"sqlite:///{folder / 'plumbline.db'}")
    migrate(engine)
    with session_scope(engine, sees=EVERYTHING) as session:
        manager, workshop = make_actor(session), make_workshop(folder)
        engagement = make_engagement(session, manager)
        make_evidence(session, manager, engagement, folder)
        settle_period(session, manager, engagement, JANUARY, workshop)
        approve(session, engagement, JANUARY)
        _decided(session, manager, engagement, workshop)
        seal = seal_of_period(session, engagement, JANUARY)
        assert seal is not None
        version = session.get_one(ContractVersion, seal.contract_version_id)
        made = write_bundle(folder / "out", seal, version.document, workshop.store)
    engine.dispose()
    shutil.copytree(folder / "store", folder / "evidence", dirs_exist_ok=True)
    unpacked = folder / "unpacked"
    with ZipFile(made.path) as zipped:
        zipped.extractall(unpacked)
    return Sealed(folder, made.path, unpacked, seal.document)


def _decided(session: Any, manager: Any, engagement: Engagement, workshop: Any) -> None:
    """February, with a value that both sides decided."""
    chair = make_member(session, engagement, Role.COMMITTEE_CHAIR)
    settle_period(session, manager, engagement, FEBRUARY, workshop)
    submission = submit_period(session, manager, engagement, FEBRUARY)
    review = review_of(session, engagement, FEBRUARY)
    assert review is not None
    place = (engagement, submission, review.items[0].item.id)
    contest_item(session, chair, *place, reason="the bank was closed")
    proposal = Proposal(Ruling.VALUE, "the bank confirms it", "85.5")
    propose_decision(session, manager, *place, proposal=proposal)
    answer_proposal(session, chair, *place, accepts=True)
    apply_decisions(session, manager, engagement, FEBRUARY, workshop)
    seal_period(session, chair, engagement, FEBRUARY, workshop.catalogue)


@pytest.mark.parametrize("name", ["ENG-1/2026-01", "ENG-1/2026-01/SL-01", "ENG-1/2026-02"])
def test_sealed_figures_of_an_installation_are_equal(sealed: Sealed, name: str) -> None:
    answer = sealed.run(name, "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["equal"], found["differences"]) == (True, [])
    assert set(found["values"]) == {"SL-01"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ENG-1/2026-04", "aren't sealed"),
        ("ENG-9/2026-01", "no such engagement"),
        ("ENG-1/2026-01/SL-99", "no service level SL-99"),
        ("nothing", "names no measurement"),
    ],
)
def test_what_cannot_be_checked_is_bad_input(sealed: Sealed, name: str, why: str) -> None:
    answer = sealed.run(name)
    assert answer.exit_code == 2
    assert why in answer.stderr


def test_files_that_were_taken_away_need_no_installation(sealed: Sealed) -> None:
    document = str(sealed.unpacked / "seal.json")
    evidence = str(sealed.unpacked / "evidence")
    for arguments in (
        (str(sealed.bundle),),
        (str(sealed.unpacked),),
        (document, "--evidence", evidence),
        (document, "--evidence", str(sealed.folder / "store"), "--sha256", digest(sealed.document)),
    ):
        answer = CliRunner().invoke(main, ["verify", *arguments])
        assert answer.exit_code == 0, answer.output
        assert "equal" in answer.stdout
    answer = CliRunner().invoke(main, ["verify", document])
    assert answer.exit_code == 2
    assert "--evidence" in answer.stderr


def test_the_bundle_of_a_seal_is_always_the_same(sealed: Sealed, tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{sealed.folder / 'plumbline.db'}")
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        engagement = session.get_one(Engagement, 1)
        seal = seal_of_period(session, engagement, JANUARY)
        assert seal is not None
        contract = session.get_one(ContractVersion, seal.contract_version_id).document
    engine.dispose()
    again = write_bundle(tmp_path, seal, contract, EvidenceStore.at(sealed.folder / "store"))
    assert again.path.read_bytes() == sealed.bundle.read_bytes()


@pytest.fixture(scope="module")
def altered(sealed: Sealed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the unpacked bundle, for tests that put back what they alter."""
    folder = tmp_path_factory.mktemp("altered") / "bundle"
    shutil.copytree(sealed.unpacked, folder)
    return folder


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_byte_is_found_and_its_file_named(altered: Path, data: st.DataObject) -> None:
    files = sorted(path for path in altered.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files), label="file")
    original = path.read_bytes()
    place = data.draw(st.integers(0, len(original) - 1), label="byte")
    other = (original[place] + data.draw(st.integers(1, 255), label="by")) % 256
    path.chmod(0o644)
    try:
        path.write_bytes(original[:place] + bytes([other]) + original[place + 1 :])
        answer = CliRunner().invoke(main, ["verify", str(altered), "--json"])
    finally:
        path.write_bytes(original)
    assert answer.exit_code == 1, answer.output
    named = {one["where"] for one in json.loads(answer.stdout)["differences"]}
    assert path.relative_to(altered).as_posix() in named


@pytest.mark.parametrize("lost", ["seal.json", "contract.yaml", "README.md", SUMS_FILE])
def test_a_missing_file_is_named(altered: Path, lost: str) -> None:
    kept = (altered / lost).read_bytes()
    (altered / lost).unlink()
    try:
        answer = CliRunner().invoke(main, ["verify", str(altered)])
    finally:
        (altered / lost).write_bytes(kept)
    assert answer.exit_code == (2 if lost == "seal.json" else 1)
    assert lost in answer.output


def _find(sealed: Sealed) -> Callable[[str], Path]:
    return EvidenceStore.at(sealed.folder / "store").local


def _forged(sealed: Sealed, change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(sealed.document)
    change(content)
    return canonical_json(content)


def _with_other_value(content: dict[str, Any]) -> None:
    result = content["measurements"]["results"][0]
    result["value"] = "99.9"
    content["items"][0]["inputs_sha256"] = digest(canonical_json(result))


def _with_other_holiday(content: dict[str, Any]) -> None:
    content["calendars"]["calendars"]["business_hours"] = {
        "time_zone": "Europe/Berlin",
        "hours": {"mon": ["09:00", "17:00"]},
        "usual": ["09:00", "17:00"],
        "country": "DE",
        "subdivision": "",
        "closed_on": [],
        "open_on": [],
        "holidays": {"2026": ["2026-02-02"]},
    }


def _with_other_text(content: dict[str, Any]) -> None:
    content["definitions"][0]["text"] += " "


def _with_other_contract(content: dict[str, Any]) -> None:
    content["contract"]["document"] += "\n"


def _with_lost_evidence(content: dict[str, Any]) -> None:
    content["evidence"][0]["sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "what", "where"),
    [
        (_with_other_value, "value differs", "SL-01"),
        (_with_other_text, "definition text doesn't match", "definition"),
        (_with_other_contract, "contract document differs", "contract version 1"),
        (_with_lost_evidence, "evidence file missing", "0" * 64),
    ],
)
def test_a_forged_seal_whose_digest_nobody_knows_is_found_out(
    sealed: Sealed, change: Callable[[dict[str, Any]], None], what: str, where: str
) -> None:
    found = verify_seal(_forged(sealed, change), None, _find(sealed))
    assert any(what in one.what and where in one.where for one in found.differences), found
    known = verify_seal(_forged(sealed, change), digest(sealed.document), _find(sealed))
    assert any("of this digest" in one.what for one in known.differences)


def test_calendars_that_changed_since_are_noted_and_the_sealed_ones_used(sealed: Sealed) -> None:
    found = verify_seal(_forged(sealed, _with_other_holiday), None, _find(sealed))
    assert found.equal
    assert any("2026-02-02 is a holiday no more" in note for note in found.notes)
    assert all("the sealed calendar was used" in note for note in found.notes)


def test_evidence_whose_bytes_were_altered_is_named(sealed: Sealed, tmp_path: Path) -> None:
    sha256 = json.loads(sealed.document)["evidence"][0]["sha256"]
    for path in (sealed.folder / "store").glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / f"{sha256}.parquet").open("ab") as stream:
        stream.write(b" ")
    found = verify_seal(sealed.document, None, EvidenceStore.at(tmp_path).local)
    assert [one.what for one in found.differences] == [
        "evidence file's bytes don't match its digest"
    ]
