"""hledger reads what is written, in its strictest mode, and comes to the same balances."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from billing.accounting.books import Books
from billing.accounting.hledger import hledger_text
from billing.accounting.values import Account, AccountType, Entry, EntryKind, Journal, Posting
from governance.access_terms import Side
from tests.billing.accounting.year import HOSTILE, YEAR, client_books, provider_books, year_of

HLEDGER = shutil.which("hledger")


def hledger(folder: Path, journal: Journal, *arguments: str) -> str:
    """What hledger answers on a journal; it fails where hledger does."""
    file = folder / "year.journal"
    file.write_text(hledger_text(journal), encoding="utf-8")
    assert HLEDGER is not None, "hledger isn't installed: make hledger"
    done = subprocess.run(
        [HLEDGER, "--file", str(file), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hostile_journal() -> Journal:
    """Every text that a person or a contract gives, at its worst."""
    names = [
        HOSTILE,
        "(virtual)",
        "[balanced]",
        "a:  b ::c:",
        "8400",
        "* x",
        "~",
        "=",
        "date:2026-13-01",
        "Ä\u2028Ö\u00a0Ü",
        "comment",
        "x  ; type:L",
        "",
        '"quoted"',
    ]
    entries = tuple(
        Entry(
            YEAR.start,
            EntryKind.INVOICE,
            name or "1",
            name,
            name,
            "KWD",
            (
                Posting(Account(name, AccountType.ASSET), Decimal("1.234"), name, name, name),
                Posting(Account("b", AccountType.REVENUE), Decimal("-1.234"), name, name, name),
            ),
        )
        for name in names
    )
    return Journal(HOSTILE, HOSTILE, Side.PROVIDER, YEAR, entries, tuple(names))


@pytest.mark.parametrize(
    "journal",
    [
        year_of(provider_books()),
        year_of(client_books()),
        year_of(Books(Side.PROVIDER)),
        hostile_journal(),
        Journal("ENG-1", "Nothing", Side.CLIENT, YEAR, ()),
    ],
    ids=["provider", "client", "plain", "hostile", "empty"],
)
def test_hledger_accepts_it_in_strict_mode(journal: Journal, tmp_path: Path) -> None:
    hledger(tmp_path, journal, "check", "--strict", "payees", "ordereddates")


def test_hledger_comes_to_the_same_balances(tmp_path: Path) -> None:
    journal = year_of(provider_books())
    answer = hledger(
        tmp_path, journal, "balance", "--flat", "--layout=bare", "-O", "csv", "-N", "-E"
    )
    rows = list(csv.reader(io.StringIO(answer)))[1:]
    found = {(row[0], row[1]): Decimal(row[2]) for row in rows if Decimal(row[2])}
    expected = {
        (one.account.name.replace("; (Erlöse)  19", "； （Erlöse） 19"), one.currency): one.balance
        for one in journal.totals
        if one.balance
    }
    assert found == expected


def test_cost_centres_can_be_asked_for(tmp_path: Path) -> None:
    journal = year_of(client_books())
    asked = ("register", "tag:cost_centre=KST-20", "-O", "csv")
    rows = list(csv.reader(io.StringIO(hledger(tmp_path, journal, *asked))))[1:]
    postings = [one for entry in journal.entries for one in entry.postings]
    assert len(rows) == sum(one.cost_centre == "KST-20" for one in postings)


def test_three_decimals_are_no_thousands() -> None:
    text = hledger_text(hostile_journal())
    assert "decimal-mark .\n" in text
    assert "commodity KWD 1000.000\n" in text
    assert "  KWD -1.234" in text
