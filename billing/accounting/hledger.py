"""The journal in hledger's format, with every account, commodity and payee declared.

Source: the manual of hledger's journal format (hledger.org/hledger.html#journal). `hledger check
--strict accounts commodities payees ordereddates` accepts what is written here.
"""

from __future__ import annotations

from collections.abc import Iterator

from billing.accounting.values import AccountType, Entry, Journal, Posting
from governance.values import minor_digits, money_text

_TYPES = {
    AccountType.ASSET: "A",
    AccountType.LIABILITY: "L",
    AccountType.REVENUE: "R",
    AccountType.EXPENSE: "X",
}
_WIDE = str.maketrans(
    {char: chr(ord(char) + 0xFEE0) for char in ';|()[]*!"'}  # The full-width form of each.
)
"""Characters that mean something to hledger somewhere, and the same to the eye that mean nothing:
other names stay other names."""
_IN_TAG = str.maketrans({",": "\uff0c"})


def hledger_text(journal: Journal) -> str:
    """The whole file, in UTF-8 when encoded; amounts carry the decimals of their currency."""
    return "\n".join([*_head(journal), *_entries(journal)]) + "\n"


def _head(journal: Journal) -> Iterator[str]:
    books = f"books of the {journal.side.value}"
    yield f"; {_plain(journal.engagement)} {_plain(journal.title)}: {books}"
    yield f"; {journal.period.start.isoformat()} to {journal.period.end.isoformat()}"
    yield from (f"; {_plain(note)}" for note in journal.notes)
    # Without it three decimals (KWD 1.000) would read as a thousand.
    yield "decimal-mark ."
    yield ""
    for currency in sorted({one.currency for one in journal.entries}):
        yield f"commodity {currency} 1000.{'0' * minor_digits(currency)}"
    types = {one.account.name: one.account.type for one in journal.totals}
    for name in sorted({_account(name): kind for name, kind in types.items()}.items()):
        yield f"account {name[0]}  ; type:{_TYPES[name[1]]}"
    for payee in sorted({_payee(one.payee) for one in journal.entries}):
        yield f"payee {payee}"


def _entries(journal: Journal) -> Iterator[str]:
    for entry in journal.entries:
        yield ""
        yield _first_line(entry)
        yield from (_posting(one, entry.currency) for one in entry.postings)


def _first_line(entry: Entry) -> str:
    described = f"{_payee(entry.payee)} | {_plain(entry.narration)}"
    return f"{entry.on.isoformat()} * ({_plain(entry.number)}) {described}  ; kind:{entry.kind}"


def _posting(one: Posting, currency: str) -> str:
    tags = {
        "cost_centre": one.cost_centre,
        "purchase_order": one.purchase_order,
        "reference": one.reference,
    }
    said = [f"{name}:{_plain(value).translate(_IN_TAG)}" for name, value in tags.items() if value]
    comment = f"  ; {', '.join(said)}" if said else ""
    amount = money_text(one.amount, currency)
    return f"    {_account(one.account.name)}  {currency} {amount}{comment}"


def _account(name: str) -> str:
    """Levels without space around them; a level of nothing isn't one."""
    levels = (_plain(level) for level in name.split(":"))
    return ":".join(level for level in levels if level) or "unnamed"


def _payee(name: str) -> str:
    return _plain(name) or "unnamed"


def _plain(text: str) -> str:
    """On one line, with single spaces, and without anything that hledger would read as syntax."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split()).translate(_WIDE)
