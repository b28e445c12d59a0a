"""The demo engagement: the same at every run, and plausible."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

from app.demo.files import write_demo_files
from app.demo.ledger import LAST_DAY, generate_ledger
from governance.contract.reading import read_contract


def test_files_are_the_same_at_every_run(tmp_path: Path) -> None:
    digests = []
    for name in ("first", "second"):
        demo = write_demo_files(tmp_path / name)
        files = sorted([demo.contract, *demo.evidence.iterdir()])
        digests.append([(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files])
    assert digests[0] == digests[1]


def test_size_and_behaviour() -> None:
    tables = generate_ledger().tables
    assert len(tables["customers"]) == 200
    assert len(tables["invoices"]) > 25_000
    assert len({row["issue_date"][:7] for row in tables["invoices"]}) == 24
    kinds = {row["kind"] for row in tables["adjustments"]}
    assert kinds == {"credit_note", "write_off"}
    assert len(tables["disputes"]) > 500
    payments = [row["invoice_id"] for row in tables["allocations"]]
    assert len(payments) - len(set(payments)) > 1_000, "there are partial payments"


def test_nothing_is_known_after_the_last_day() -> None:
    for rows in generate_ledger().tables.values():
        for row in rows:
            known = {k: v for k, v in row.items() if k.endswith(("_on", "_at")) and v}
            assert all(value[:10] <= str(LAST_DAY) for value in known.values()), row


def test_no_invoice_is_settled_beyond_its_amount() -> None:
    tables = generate_ledger().tables
    rest = {row["invoice_id"]: Decimal(row["amount"]) for row in tables["invoices"]}
    for row in (*tables["allocations"], *tables["adjustments"]):
        rest[row["invoice_id"]] -= Decimal(row["amount"])
    assert min(rest.values()) >= 0


def test_contract_has_six_service_levels_and_three_charges(tmp_path: Path) -> None:
    demo = write_demo_files(tmp_path)
    contract = read_contract(demo.contract.read_bytes(), demo.contract.name)
    assert len(contract.service_levels) == 6
    assert len(contract.charges) == 3
