"""The whole main job on a public ledger, with the contract of the examples."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from facturx import get_facturx_xml_from_pdf
from lxml import etree

from app.cli import main
from app.main_job import WRITTEN, RunResult, run_from_files, write_run
from governance.errors import BadInput
from governance.tables import canonical_json
from governance.values import Period, money_text
from sla.evidence.reading import read_evidence
from tests.paths import ROOT, SHARED_DATA

CONTRACT = ROOT / "docs" / "examples" / "ibm-2013-02" / "contract.yaml"
LEDGER = SHARED_DATA / "ibm_late_payments.csv"
FEBRUARY = Period.month(2013, 2)


@pytest.fixture(scope="module")
def result() -> RunResult:
    return run_from_files(CONTRACT, LEDGER, FEBRUARY)


@pytest.fixture(scope="module")
def written(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "new" / "folder"
    write_run(result, out)
    return out


def test_a_run_writes_all_its_files_and_nothing_else(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(WRITTEN)
    assert (written / "invoice.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert (written / "pack.pdf").read_bytes().startswith(b"%PDF-1.7")


def test_the_files_agree(result: RunResult, written: Path) -> None:
    invoice = json.loads((written / "invoice.json").read_text())
    credit = json.loads((written / "credits.json").read_text())
    priced = result.settlement.priced
    assert invoice["total"] == money_text(priced.total, priced.currency)
    assert invoice["service_credit"] == credit["net"]
    measured = json.loads((written / "measurements.json").read_text())
    assert [each["service_level"] for each in measured["results"]] == [
        each["id"] for each in credit["service_levels"]
    ]


def test_the_invoice_in_xml_states_the_same(written: Path) -> None:
    invoice = json.loads((written / "invoice.json").read_text())
    for name, total in (
        ("invoice.cii.xml", "DuePayableAmount"),
        ("invoice.ubl.xml", "PayableAmount"),
    ):
        stated = etree.parse(written / name).getroot()
        assert [each.text for each in stated.iter(f"{{*}}{total}")] == [invoice["total"]]
    name, inside = get_facturx_xml_from_pdf(BytesIO((written / "invoice.pdf").read_bytes()))
    assert (name, inside) == ("factur-x.xml", (written / "invoice.cii.xml").read_bytes())


def test_downloaded_evidence_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    for file in read_evidence(LEDGER, tmp_path / "store").files:
        shutil.copy(file.path, folder / f"{file.dataset}-{file.sha256[:12]}.parquet")
    write_run(run_from_files(CONTRACT, folder, FEBRUARY), tmp_path / "out")
    for name in ("measurements.json", "credits.json", "invoice.json"):
        again = (tmp_path / "out" / name).read_bytes()
        assert again == (written / name).read_bytes()
        assert again == canonical_json(json.loads(again))


def test_the_invoice_is_dated_by_the_period_and_not_by_the_clock(result: RunResult) -> None:
    assert f"{result.header.issued_on}" == "2013-03-01"


def test_an_earlier_run_is_replaced_and_other_files_stay(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main_job.render_pack", lambda *_: b"pack")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "pack.pdf").write_text("old")
    write_run(result, tmp_path)
    assert (tmp_path / "pack.pdf").read_bytes() == b"pack"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*WRITTEN, "notes.txt"])


def test_a_failure_leaves_the_folder_as_it_was(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.main_job.render_pack", full_disk)
    with pytest.raises(BadInput, match="no space left on device"):
        write_run(result, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _run(*arguments: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(main, ["run", *arguments])
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.mark.parametrize("place", ["file", "file/below", "folder"])
def test_a_place_that_cannot_be_written_is_refused(
    result: RunResult, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder" / "pack.pdf").mkdir(parents=True)
    with pytest.raises(BadInput, match="can't be written here"):
        write_run(result, tmp_path / place)
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--contract": "missing.yaml"}, "the contract can't be read: no such file"),
        ({"--period": "31/02/2013"}, "'31/02/2013' is not a period"),
        ({"--profile": "nobodys"}, "no import profile 'nobodys'"),
        ({"--evidence": "missing"}, "missing"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    options = {
        "--contract": str(CONTRACT),
        "--evidence": str(LEDGER),
        "--period": "2013-02",
        "--out": str(tmp_path / "out"),
    } | changes
    status, output, errors = _run(*(text for pair in options.items() for text in pair))
    assert (status, output) == (2, "")
    assert message in errors
    assert not (tmp_path / "out").exists()


def test_the_command_answers_as_json(tmp_path: Path) -> None:
    status, output, errors = _run(
        "--contract", str(CONTRACT), "--evidence", str(LEDGER), "--period", "2013-02",
        "--out", str(tmp_path), "--number-sequence", "7", "--issued-on", "2013-03-05", "--json",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    answer = json.loads(output)
    assert answer["invoice"].endswith("00007")
    assert answer["service_levels"].keys() == {"SL-01", "SL-02", "SL-03", "SL-04", "SL-05"}
    assert len(answer["files"]) == len(WRITTEN)


def test_without_what_xml_needs_the_rest_is_written_and_the_keys_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main_job.render_pack", lambda *_: b"pack")
    contract = tmp_path / "contract.yaml"
    taxed = 'tax: {category: standard, rate: "6.25"}'
    exempt = "tax: {category: exempt, reason: Exempt service}"
    contract.write_text(CONTRACT.read_text("utf-8").replace(taxed, exempt), "utf-8")
    out = tmp_path / "out"
    out.mkdir()
    (out / "invoice.ubl.xml").write_text("of an earlier run")
    status, output, errors = _run(
        "--contract", str(contract), "--evidence", str(LEDGER), "--period", "2013-02",
        "--out", str(out), "--json",
    )  # fmt: skip
    assert status == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        name for name in WRITTEN if not name.endswith(".xml")
    )
    assert "There is no invoice.cii.xml and no invoice.ubl.xml (profile en16931):" in errors
    assert "engagement.provider.vat_id: who charges VAT" in errors
    (problem,) = json.loads(output)["e_invoice_problems"]
    assert problem["column"] == "engagement.provider.vat_id"


def test_the_command_says_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.main_job.render_pack", lambda *_: b"pack")
    status, output, _ = _run(
        "--contract", str(CONTRACT), "--evidence", str(LEDGER), "--period", "2013-02",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert status == 0
    for text in ("✓ Met", "✗ Below minimum", "Service credit of the period", "Payable by 2013-03"):
        assert text in output


def test_a_credit_above_the_charges_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main_job.render_pack", lambda *_: b"pack")
    document = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    document["service_credits"] = {"method": "per_event", "amount": "1000000.00"}
    contract = tmp_path / "contract.yaml"
    contract.write_text(yaml.safe_dump(document, default_flow_style=False), encoding="utf-8")
    files = ("--contract", str(contract), "--evidence", str(LEDGER), "--period", "2013-02")
    warning = "The credit exceeds the charges: the invoice is a balance in the client's favour."
    _, output, _ = _run(*files, "--out", str(tmp_path / "text"))
    assert warning in output
    _, output, _ = _run(*files, "--out", str(tmp_path / "json"), "--json")
    assert json.loads(output)["warnings"][-1] == warning


def test_the_help_offers_months() -> None:
    assert "Month to settle" in _run("--help")[1]
