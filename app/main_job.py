"""The main job from files: contract and evidence in; measurements, credits, invoice, pack out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Final

from app.documents.invoice import render_invoice
from app.documents.pack import render_pack
from billing.e_invoices.made import EInvoices, e_invoices_of
from billing.invoices.fee_document import read_fee_document
from billing.settlement.calculation import settle
from billing.settlement.documents import (
    credits_json,
    invoice_header,
    invoice_json,
    measurements_json,
)
from billing.settlement.values import Inputs, InvoiceHeader, Settlement
from governance.calendars import calendars_of
from governance.contract.reading import contract_sha256, read_contract
from governance.errors import BadInput, Problem
from governance.tables import canonical_json
from governance.values import Period
from sla.engines.engine import Engine
from sla.engines.in_process import IN_PROCESS
from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import Profile
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import EvidenceSet, Finding
from sla.kpis.catalogue import load_catalogue, signatures
from sla.kpis.definitions import KpiDefinition
from sla.relief.documents import load_relief
from sla.relief.rows import require_rows
from sla.relief.values import relief_of

WRITTEN: Final = (
    "measurements.json",
    "credits.json",
    "invoice.json",
    "invoice.pdf",
    "invoice.cii.xml",
    "invoice.ubl.xml",
    "pack.pdf",
)
"""The files of one run, by name; the XML only where the invoice can be stated as such."""


@dataclass(frozen=True)
class RunResult:
    """One period settled from files, with what its invoice states besides the lines."""

    settlement: Settlement
    header: InvoiceHeader
    evidence: EvidenceSet
    """What was read; its rejected rows were accepted by the caller and left out."""
    catalogue: Mapping[str, KpiDefinition] | None = None
    """The KPIs that it was measured with; None is those of the product."""

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What was found on the evidence while reading and measuring, each once."""
        found = (*self.settlement.measured.warnings, *self.evidence.findings)
        return tuple(dict.fromkeys(found))

    @cached_property
    def e_invoices(self) -> EInvoices:
        """The invoice's electronic forms, or what they lack."""
        return e_invoices_of(read_fee_document(invoice_json(self.settlement, self.header)))


def run_from_files(
    contract_path: Path,
    evidence_path: Path,
    period: Period,
    *,
    profile: Profile | None = None,
    accept_rejected: bool = False,
    sequence: int = 1,
    issued_on: date | None = None,
    relief_path: Path | None = None,
    engine: Engine = IN_PROCESS,
    kpi_dir: Path | None = None,
) -> RunResult:
    """Settle `period` from a contract document and a folder or file of evidence.

    `issued_on` is the day after the period where none is given: the clock has no part in it, so
    the same files give the same documents, whatever `engine` runs the queries. Evidence is
    kept only while it is measured. `kpi_dir` is a folder of own KPIs. Raises BadInput with every
    problem of the contract, the own KPIs or the evidence, rejected rows included unless they are
    accepted.
    """
    data = _read(contract_path)
    contract = read_contract(data, str(contract_path), signatures(kpi_dir))
    inputs = Inputs(relief=load_relief(relief_path, contract))
    catalogue = load_catalogue(kpi_dir)
    header = invoice_header(contract, period, sequence, issued_on)
    with tempfile.TemporaryDirectory(prefix="plumbline-evidence-") as store:
        evidence = read_evidence(
            evidence_path,
            Path(store),
            profile,
            contract.engagement.time_zone,
            accept_rejections=accept_rejected,
            file=str(evidence_path),
        )
        if not accept_rejected:
            require_clean(evidence)
        currency, calendars = contract.engagement.currency, calendars_of(contract.engagement)
        # Findings of reading depend on how the files came, and the figures must not: the
        # application states them with the hand-in, and RunResult.warnings beside the figures.
        opened = open_ledger(evidence.files, currency, calendars=calendars, engine=engine)
        with opened as ledger:
            require_rows(ledger, relief_of(inputs.relief))
            settlement = settle(contract, contract_sha256(data), ledger, period, catalogue, inputs)
    return RunResult(settlement, header, evidence, catalogue)


def documents_of(result: RunResult) -> dict[str, bytes]:
    """All files of a run as bytes, by name; the same settlement gives the same bytes.

    JSON is canonical, as the application freezes it, so that digests can be compared. The XML of
    the invoice is left out where `result.e_invoices` says what it lacks.
    """
    settlement, header, electronic = result.settlement, result.header, result.e_invoices
    made = {
        "measurements.json": canonical_json(measurements_json(settlement)),
        "credits.json": canonical_json(credits_json(settlement)),
        "invoice.json": canonical_json(invoice_json(settlement, header)),
        "invoice.pdf": render_invoice(settlement, header, electronic.embedded),
        "invoice.cii.xml": electronic.cii,
        "invoice.ubl.xml": electronic.ubl,
        "pack.pdf": render_pack(settlement, result.catalogue),
    }
    return {name: data for name, data in made.items() if data is not None}


def write_run(result: RunResult, out: Path) -> tuple[Path, ...]:
    """Write the files of a run into the folder `out`, as `write_files` does.

    XML of an earlier run goes where this one makes none: it would state another invoice.
    """
    return write_files(lambda: documents_of(result), WRITTEN, out)


def write_files(
    make: Callable[[], Mapping[str, bytes]], names: Sequence[str], out: Path
) -> tuple[Path, ...]:
    """Write the files that `make` gives, by name, into the folder `out`: all of them, or none.

    They are complete beside their place before the first is moved. Files of an earlier run are
    replaced, or removed where they are among `names` and not made again; other files stay. Raises
    BadInput where the folder can't be written.
    """
    with _reported(out):
        _check_place(out, names)
        documents = make()
        out.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".plumbline-", dir=out))
        try:
            for name, content in documents.items():
                (beside / name).write_bytes(content)
            for name in documents:
                (beside / name).replace(out / name)
            for name in set(names) - set(documents):
                (out / name).unlink(missing_ok=True)
        finally:
            shutil.rmtree(beside)
    return tuple(out / name for name in documents)


def _check_place(out: Path, names: Sequence[str]) -> None:
    """Refuse a hopeless place before the documents are made."""
    standing = next(each for each in (out, *out.absolute().parents) if each.exists())
    blocked = [out / name for name in names if (out / name).is_dir()]
    if not standing.is_dir():
        raise _unwritable(standing, "it is a file, not a folder")
    if blocked:
        raise _unwritable(blocked[0], "it is a folder")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise _unwritable(standing, "permission denied")


@contextmanager
def _reported(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(out, (error.strerror or str(error)).lower()) from error


def _unwritable(place: Path, why: str) -> BadInput:
    return BadInput.one(
        Problem(
            f"the results can't be written here: {why}",
            file=str(place),
            allowed="a folder that can be written, or one that doesn't exist yet",
        )
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise BadInput.one(Problem(f"the contract can't be read: {why}", str(path))) from error
