"""What is different between two computations of an invoice, as a person would list it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.invoices.fee_document import FeeDocument, FeeLine
from billing.tax import tax_title
from governance.values import money_text, plain


class ChangeKind(StrEnum):
    """What happened to a part of the invoice."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class DraftChange:
    """One difference; texts and amounts as they stood before and stand now."""

    part: str
    """line, service_credit, tax, subtotal, total, withholding, payable or terms."""
    kind: ChangeKind
    title: str
    before: str | None
    """The amount in the document's currency, or the text of a term; None where there was none."""
    after: str | None
    note: str = ""
    """The quantities of a line where they differ."""

    def as_json(self) -> dict[str, str | None]:
        """To be kept with the draft."""
        return {
            "part": self.part,
            "kind": self.kind.value,
            "title": self.title,
            "before": self.before,
            "after": self.after,
            "note": self.note,
        }


def change_of(stored: Mapping[str, Any]) -> DraftChange:
    """A change as `as_json` wrote it."""
    return DraftChange(**{**stored, "kind": ChangeKind(stored["kind"])})


LineKey = tuple[str, str, str, str, int]


def changes_of(before: FeeDocument, after: FeeDocument) -> tuple[DraftChange, ...]:
    """Lines added, removed and changed, then service credit, taxes, totals and terms.

    Lines are the same where charge, title, restatement and late period are, counted among their
    like. Nothing where both state the same.
    """
    return (
        *_lines(before, after),
        *_amounts(before, after, "service_credit", "Service credit", "service_credit"),
        *_taxes(before, after),
        *_amounts(before, after, "withholding", "Withheld by the client", "withholding"),
        *_amounts(before, after, "total", "Total", "total"),
        *_amounts(before, after, "payable", "Payable", "payable"),
        *_terms(before, after),
    )


def _keyed(lines: Iterable[FeeLine]) -> dict[LineKey, FeeLine]:
    seen: Counter[tuple[str, str, str, str]] = Counter()
    found: dict[LineKey, FeeLine] = {}
    for line in lines:
        like = (line.charge, line.title, line.restatement, line.late)
        found[*like, seen[like]] = line
        seen[like] += 1
    return found


def _lines(before: FeeDocument, after: FeeDocument) -> Iterator[DraftChange]:
    old, new = _keyed(before.lines), _keyed(after.lines)
    for key in (*old, *(key for key in new if key not in old)):
        was, now = old.get(key), new.get(key)
        if was is None or now is None or _differ(was, now):
            yield _line(was, now, before.currency, after.currency)


def _differ(was: FeeLine, now: FeeLine) -> bool:
    return (was.amount, was.quantity, was.tax) != (now.amount, now.quantity, now.tax)


def _line(was: FeeLine | None, now: FeeLine | None, old: str, new: str) -> DraftChange:
    line = now or was
    assert line is not None  # noqa: S101 (one of both is there)
    return DraftChange(
        "line",
        _kind(was, now),
        line.title,
        money_text(was.amount, old) if was else None,
        money_text(now.amount, new) if now else None,
        _quantities(was, now),
    )


def _kind(was: object | None, now: object | None) -> ChangeKind:
    if was is None:
        return ChangeKind.ADDED
    return ChangeKind.REMOVED if now is None else ChangeKind.CHANGED


def _quantities(was: FeeLine | None, now: FeeLine | None) -> str:
    if was is None or now is None or was.quantity == now.quantity:
        return ""
    return f"{plain(was.quantity)} → {plain(now.quantity)} {now.unit}"


def _amounts(
    before: FeeDocument, after: FeeDocument, part: str, title: str, name: str
) -> Iterator[DraftChange]:
    was: Decimal = getattr(before, name)
    now: Decimal = getattr(after, name)
    if was != now:
        texts = money_text(was, before.currency), money_text(now, after.currency)
        yield DraftChange(part, ChangeKind.CHANGED, title, *texts)


def _taxes(before: FeeDocument, after: FeeDocument) -> Iterator[DraftChange]:
    old, new = ({one.tax: one.amount for one in each.taxes} for each in (before, after))
    for tax in (*old, *(tax for tax in new if tax not in old)):
        was, now = old.get(tax), new.get(tax)
        if was != now:
            texts = (
                None if was is None else money_text(was, before.currency),
                None if now is None else money_text(now, after.currency),
            )
            title = tax_title(tax.category, tax.rate, tax.name)
            yield DraftChange("tax", _kind(was, now), title, *texts)


_TERMS = {
    "currency": "Currency",
    "purchase_order": "Purchase order",
    "buyer_reference": "Buyer reference",
    "payment_terms": "Payment terms",
    "seller": "Provider's particulars",
    "buyer": "Client's particulars",
    "contract_sha256": "Contract",
}


def _terms(before: FeeDocument, after: FeeDocument) -> Iterator[DraftChange]:
    for name, title in _TERMS.items():
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield DraftChange("terms", _kind(was, now), title, _text(was), _text(now))


def _text(value: object) -> str | None:
    """Parties are too long to print: only that they changed is said."""
    return value if isinstance(value, str) else None
