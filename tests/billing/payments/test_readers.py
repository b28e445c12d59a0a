"""Statements as files: what is read of them, what is skipped, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from billing.payments.csv_reader import Mapped
from billing.payments.notations import DayOrder, Mark, read_day, read_minor
from billing.payments.statements import LARGEST_STATEMENT, read_statement
from billing.payments.values import Direction, Source, Statement
from governance.errors import BadInput
from tests.billing.payments.statements import IBAN, NEW, OLD, Tx, entry, statement


def _read(data: bytes | str, mapped: Mapped | None = None) -> Statement:
    raw = data.encode() if isinstance(data, str) else data
    return read_statement("bank", raw, mapped or Mapped(), "EUR")


@pytest.mark.parametrize(("namespace", "new"), [(OLD, False), (NEW, True)])
def test_camt_entry_in_old_and_new_versions(namespace: str, *, new: bool) -> None:
    tx = Tx("Invoice  CW-1\nthanks", reference="RF18539007547034", end_to_end="E-1")
    found = _read(statement(entry("1190.5", tx, servicer="B-1", new=new), namespace=namespace))
    (one,) = found.entries
    assert (found.source, found.account, found.skipped) == (Source.CAMT_053, IBAN, ())
    assert (one.minor, one.currency, one.direction) == (119050, "EUR", Direction.IN)
    assert (one.booked_on, one.value_on) == (date(2026, 3, 2), date(2026, 3, 2))
    assert (one.debtor, one.iban) == ("Nordlicht Handel GmbH", "DE02120300000000202051")
    assert (one.end_to_end_id, one.references) == ("E-1", ("RF18539007547034",))
    assert (one.text, one.bank_reference) == ("Invoice CW-1 thanks", "B-1")
    assert one.place == "BkToCstmrStmt/Stmt/Ntry"


@pytest.mark.parametrize("new", [False, True])
def test_a_batch_is_its_transactions_where_they_add_up(*, new: bool) -> None:
    batch = entry("30.00", Tx("A", "10.00"), Tx("B", "20.00"), servicer="B-1", new=new)
    assert [(one.text, one.minor) for one in _read(statement(batch)).entries] == [
        ("A", 1000),
        ("B", 2000),
    ]
    (whole,) = _read(statement(entry("29.00", Tx("A", "10.00"), Tx("B", "20.00")))).entries
    assert (whole.text, whole.minor) == ("A B", 2900)


def test_directions() -> None:
    returned = Tx(more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")
    found = _read(
        statement(
            entry("1.00", Tx()),
            entry("1.00", Tx(), debit=True),
            entry("1.00", Tx(), debit=True, reversal=True),
            entry("1.00", returned, debit=True),
            entry("1.00", Tx(), reversal=True),
        )
    )
    assert [one.direction for one in found.entries] == [
        Direction.IN,
        Direction.OUT,
        Direction.BOUNCED,
        Direction.BOUNCED,
        Direction.OUT_BOUNCED,
    ]


def test_what_cannot_be_read_is_skipped_with_its_path_and_reason() -> None:
    found = _read(
        statement(
            entry("1.00", Tx(), status="PDNG"),
            entry("1.005", Tx()),
            entry("1.00", Tx(), currency="XXZ"),
            entry("1.00", Tx(), day="2026-13-01"),
            entry("-1.00", Tx()),
            entry("0.00", Tx()),
            entry("2.00", Tx()),
        )
    )
    assert [one.minor for one in found.entries] == [200]
    assert [one.place for one in found.skipped][:2] == [
        "BkToCstmrStmt/Stmt/Ntry[1]",
        "BkToCstmrStmt/Stmt/Ntry[2]",
    ]
    reasons = [one.why for one in found.skipped]
    assert reasons[:3] == [
        "it isn't booked: its status is PDNG",
        "EUR has 2 decimals",
        "'XXZ' is no currency",
    ]
    assert reasons[4:] == ["this is no amount", "the amount is nothing"]


def test_a_payment_has_one_key_in_every_statement() -> None:
    same, twin = entry("5.00", Tx("A")), entry("7.00", Tx("B"), servicer="B-7")
    first = _read(statement(same, same, twin)).entries
    second = _read(statement(twin, entry("9.00", Tx("C")), same, same)).entries
    assert len({one.key for one in first}) == 3
    assert {one.key for one in first} < {one.key for one in second}
    other = _read(statement(same, account="DE12500105170648489890")).entries
    assert other[0].key != first[0].key


_BOMB = (
    '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Document xmlns="'
    + NEW
    + '">&b;</Document>'
)
_FILE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>'
_UTF_7 = '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE d><Document/>'


@pytest.mark.parametrize(
    "data",
    [
        _BOMB.encode(),
        _FILE.encode(),
        _UTF_7.encode(),
        ('<?xml version="1.0" encoding="UTF-16"?>' + _BOMB).encode("utf-16"),
        b"<",
        b"<Document>",
        b"<Document/>",
        statement(namespace=NEW.replace("053", "054")),
        statement(namespace=NEW.replace("08", "01")),
        b'<Document xmlns="%b"><BkToCstmrStmt/></Document>' % NEW.encode(),
        b"<a>" * 1000 + b"</a>" * 1000,
        statement(entry("1.00", Tx("&a;"))),
        b"\xff\xfe<\0",
        b"",
        b" " * (LARGEST_STATEMENT + 1),
    ],
    ids=[f"file {at}" for at in range(15)],
)
def test_hostile_and_foreign_files_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as error:
        _read(data)
    assert all(one.file == "bank" for one in error.value.problems)


_GERMAN = (
    "Buchungstag;Valuta;Auftraggeber;IBAN;Verwendungszweck;Betrag;Währung\r\n"
    "02.03.2026;03.03.2026;Nordlicht;DE02 1203 0000 0000 2020 51;CW-1;1.190,00;EUR\r\n"
    "02.03.26;;Others;;Rent;-500,00;EUR\r\n"
    "\r\n"
    "31.02.2026;;Others;;Rent;7,00;EUR\r\n"
    "04.03.2026;;Others;;Rent;seven;EUR\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_german_csv(encoding: str) -> None:
    found = _read(_GERMAN.encode(encoding))
    first, second = found.entries
    assert (first.minor, first.iban, first.place) == (119000, "DE02120300000000202051", "line 2")
    assert (first.booked_on, first.value_on) == (date(2026, 3, 2), date(2026, 3, 3))
    assert (second.direction, second.minor) == (Direction.OUT, 50000)
    assert [(one.place, one.why) for one in found.skipped] == [
        ("line 5", "day is out of range for month"),
        ("line 6", "this is no amount in EUR"),
    ]


def test_a_csv_with_columns_named_by_the_person() -> None:
    data = "When,What,How much,C/D\n03/02/2026,CW-1,12.50,C\n03/02/2026,CW-1,12.50,C\n"
    columns = {"booked": "When", "text": "What", "amount": "How much", "direction": "C/D"}
    one, two = _read(data, Mapped(columns, Mark.POINT, DayOrder.MONTH_FIRST)).entries
    assert (one.booked_on, one.minor, one.text) == (date(2026, 3, 2), 1250, "CW-1")
    assert one.key != two.key


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("Date,Amount\n", "no rows"),
        ("a,b\n1,2\n", "no column is headed"),
        ("Date,Amount\n2026-01-01,1.234\n", "whether they have decimals"),
        ('Date,Amount\n2026-01-01,"1,50"\n2026-01-01,1.50\n', "decimal comma"),
        ('Date,Amount\n2026-01-01,"1', "no sound CSV"),
        ("Date,Amount\n" + "2026-01-01,1\n" * 5001, "too many rows"),
    ],
)
def test_csv_files_that_cannot_be_read_as_a_whole(data: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        _read(data)


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="there is no column 'Sum'") as error:
        _read("Date,Amount\n2026-01-01,1.00\n", Mapped({"amount": "Sum"}))
    assert error.value.problems[0].allowed == "one of: Date, Amount"


@pytest.mark.parametrize(
    ("text", "mark", "minor"),
    [
        ("1.234,50", Mark.COMMA, 123450),
        ("1,234.5", Mark.POINT, 123450),
        ("1 234,50 €", Mark.COMMA, 123450),
        ("EUR 1'234.50", Mark.POINT, 123450),
        ("(12.00)", Mark.POINT, -1200),
        ("12,00-", Mark.COMMA, -1200),
        ("−12", Mark.POINT, -1200),
        ("-EUR 12.000", Mark.POINT, -1200),
        ("1.234", Mark.COMMA, 123400),
    ],
)
def test_amounts(text: str, mark: Mark, minor: int) -> None:
    assert read_minor(text, "EUR", mark) == minor


@pytest.mark.parametrize(
    "text",
    ["", "1.2345", "12.34.56", "1,23", "1e3", "٣", "--", "()", "EUR", "5.00 USD", "12.00 S", "£5"],
)
def test_no_amounts(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        read_minor(text, "EUR", Mark.POINT)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2026-03-02", DayOrder.DAY_FIRST, date(2026, 3, 2)),
        ("2026-03-02T10:00:00+01:00", DayOrder.DAY_FIRST, date(2026, 3, 2)),
        ("20260302", DayOrder.DAY_FIRST, date(2026, 3, 2)),
        ("2.3.26", DayOrder.MONTH_FIRST, date(2026, 3, 2)),
        ("3/2/2026", DayOrder.MONTH_FIRST, date(2026, 3, 2)),
        ("2/3/2026", DayOrder.DAY_FIRST, date(2026, 3, 2)),
    ],
)
def test_days(text: str, order: DayOrder, day: date) -> None:
    assert read_day(text, order) == day
