"""Read camt.053 (ISO 20022, bank to customer statement), versions 02 and later.

Only what matching needs is read, by names of elements: the versions differ in where a party's
name and a status stand. A document with a document type or entities is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from lxml import etree

from billing.payments.csv_reader import MOST_ENTRIES
from billing.payments.keys import Counted, compact, given
from billing.payments.notations import DayOrder, minor_of, read_day
from billing.payments.values import Direction, Entry, Skipped, Source, Statement
from governance.errors import BadInput, Problem
from governance.values import known_currency

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)")
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY", b"\0")
_FIRST_VERSION = 2
_LONGEST_TEXT = 4000
_Node: TypeAlias = Any
"""An element; the library has no type of its own for it."""


def read_camt(name: str, data: bytes) -> Statement:
    """The booked payments of a statement; BadInput where the file is none that can be read.

    A batch gives one payment a transaction where the transactions say their amounts and add up
    to the entry; otherwise the entry is one payment with all that its transactions say. What
    can't be read is skipped with its path and the reason.
    """
    root, namespace = _root(name, data)
    paths = root.getroottree()
    accounts: list[str] = []
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    counted = Counted()
    for statement in root.iterfind(f"{namespace}BkToCstmrStmt/{namespace}Stmt"):
        account = _Reader(namespace, counted, _account(statement, namespace))
        accounts.append(account.account)
        for node in statement.iterfind(f"{namespace}Ntry"):
            place = _place(paths.getelementpath(node))
            try:
                entries += account.entries(node, place)
            except ValueError as error:
                skipped.append(Skipped(place, str(error), _shown(node)))
            if len(entries) + len(skipped) > MOST_ENTRIES:
                raise _bad(name, "the statement has too many entries", f"{MOST_ENTRIES:,} entries")
    if not accounts:
        raise _bad(name, "the message holds no statement", "a camt.053 with a Stmt")
    return Statement(Source.CAMT_053, accounts[0], tuple(entries), tuple(skipped))


def _root(name: str, data: bytes) -> tuple[_Node, str]:
    if any(mark in data for mark in _FORBIDDEN):
        what = "the file has a document type, entities or an encoding that isn't read"
        raise _bad(name, what, "plain XML, as banks send it")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        what = "the file is no sound XML"
        raise BadInput.one(
            Problem(what, file=name, line=line, found=str(error)[:200], allowed="camt.053")
        ) from None
    # An encoding may hide the words that were looked for above.
    if root.getroottree().docinfo.doctype:
        raise _bad(name, "the file has a document type", "plain XML, as banks send it")
    return root, _namespace(name, root)


def _namespace(name: str, root: _Node) -> str:
    qualified = etree.QName(root)
    found = _NAMESPACE.fullmatch(qualified.namespace or "")
    if qualified.localname != "Document" or not found or int(found[1]) < _FIRST_VERSION:
        stated = str(qualified.namespace or qualified.localname)[:200]
        allowed = "camt.053.001.02 or later (camt.052 and camt.054 announce, they don't book)"
        raise BadInput.one(
            Problem("this is no camt.053 statement", file=name, found=stated, allowed=allowed)
        )
    return f"{{{qualified.namespace}}}"


def _place(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "", path)


def _account(statement: _Node, namespace: str) -> str:
    found = _text(statement, namespace, "Acct/Id/IBAN")
    return compact(found or _text(statement, namespace, "Acct/Id/Othr/Id"))


def _qualified(namespace: str, path: str) -> str:
    return "/".join(namespace + step for step in path.split("/"))


def _text(node: _Node, namespace: str, *paths: str) -> str:
    """The text at the first of the paths that has any."""
    for path in paths:
        found = node.findtext(_qualified(namespace, path))
        if found and found.strip():
            return str(found).strip()[:_LONGEST_TEXT]
    return ""


def _shown(node: _Node) -> str:
    words = " ".join(text.strip() for text in node.itertext() if text.strip())
    return " ".join(words.split())[:200]


@dataclass(frozen=True, slots=True)
class _Sum:
    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the entries of one account."""

    namespace: str
    counted: Counted
    account: str

    def text(self, node: _Node, *paths: str) -> str:
        return _text(node, self.namespace, *paths)

    def all(self, node: _Node, path: str) -> list[_Node]:
        return list(node.iterfind(_qualified(self.namespace, path)))

    def entries(self, entry: _Node, place: str) -> list[Entry]:
        """The payments of an entry; ValueError with the reason where there is none to read."""
        status = self.text(entry, "Sts/Cd", "Sts/Prtry", "Sts")
        if status != "BOOK":
            raise ValueError(f"it isn't booked: its status is {status or 'missing'}")
        total = self._sum(entry, "Amt")
        if total is None:
            raise ValueError("it has no amount")
        if not total.minor:
            raise ValueError("the amount is nothing")
        booked = self._day(entry, "BookgDt")
        value = self._day(entry, "ValDt") or booked
        if booked is None or value is None:
            raise ValueError("it has no day of booking")
        details = self.all(entry, "NtryDtls/TxDtls")
        return self._read(entry, details, total, (booked, value), place)

    def _read(
        self, entry: _Node, details: list[_Node], total: _Sum, days: tuple[date, date], place: str
    ) -> list[Entry]:
        sums = [self._sum(one, "Amt", "AmtDtls/TxAmt/Amt") for one in details]
        split = (
            len(details) > 1
            and all(one and one.minor and one.currency == total.currency for one in sums)
            and sum(one.minor for one in sums if one) == total.minor
            and len({self._direction(entry, [one]) for one in details}) == 1
        )
        if not split:
            return [self._one(entry, details, total, days, place)]
        return [
            self._one(entry, [one], amount, days, f"{place}/NtryDtls/TxDtls[{at}]", at)
            for at, (one, amount) in enumerate(zip(details, sums, strict=True), start=1)
            if amount
        ]

    def _one(  # noqa: PLR0917 (what an entry says)
        self,
        entry: _Node,
        details: list[_Node],
        total: _Sum,
        days: tuple[date, date],
        place: str,
        at: int = 0,
    ) -> Entry:
        direction = self._direction(entry, details)
        said = [self._said(one) for one in details]
        servicer = given(self.text(entry, "AcctSvcrRef"))
        own = given(self.text(details[0], "Refs/AcctSvcrRef")) if len(details) == 1 else ""
        merged = {name: _joined([one[name] for one in said]) for name in _PARTS}
        references = tuple(dict.fromkeys(ref for one in details for ref in self._references(one)))
        facts = [days[0].isoformat(), total.currency, str(total.minor), direction.value]
        named = [servicer, own, str(at)] if servicer or own else [*references, *merged.values()]
        return Entry(
            key=self.counted.key(self.account, [*facts, *named]),
            place=place,
            direction=direction,
            booked_on=days[0],
            value_on=days[1],
            currency=total.currency,
            minor=total.minor,
            references=references,
            bank_reference=own or servicer,
            debtor=merged["debtor"],
            iban=merged["iban"],
            end_to_end_id=merged["end_to_end_id"],
            text=merged["text"] or self.text(entry, "AddtlNtryInf"),
        )

    def _said(self, detail: _Node) -> dict[str, str]:
        """Who paid and what for; in a return the parties stand as in the first payment."""
        lines = [one.text or "" for one in self.all(detail, "RmtInf/Ustrd")]
        lines += [one.text or "" for one in self.all(detail, "RmtInf/Strd/AddtlRmtInf")]
        return {
            "debtor": self.text(
                detail,
                "RltdPties/UltmtDbtr/Pty/Nm",
                "RltdPties/UltmtDbtr/Nm",
                "RltdPties/Dbtr/Pty/Nm",
                "RltdPties/Dbtr/Nm",
            ),
            "iban": compact(self.text(detail, "RltdPties/DbtrAcct/Id/IBAN")),
            "end_to_end_id": given(self.text(detail, "Refs/EndToEndId")),
            "text": " ".join(" ".join(lines).split())[:_LONGEST_TEXT],
        }

    def _references(self, detail: _Node) -> list[str]:
        paths = ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb")
        found = (one.text for path in paths for one in self.all(detail, path))
        return [text.strip()[:140] for text in found if text and text.strip()]

    def _sum(self, node: _Node, *paths: str) -> _Sum | None:
        for path in paths:
            found = node.find(_qualified(self.namespace, path))
            if found is not None:
                currency = str(found.get("Ccy") or "")
                if not known_currency(currency):
                    raise ValueError(f"'{currency}' is no currency")
                return _Sum(minor_of((found.text or "").strip(), currency), currency)
        return None

    def _day(self, node: _Node, name: str) -> date | None:
        found = self.text(node, f"{name}/Dt", f"{name}/DtTm")
        return read_day(found, DayOrder.DAY_FIRST) if found else None

    def _direction(self, entry: _Node, details: list[_Node]) -> Direction:
        stated = {self.text(one, "CdtDbtInd") for one in details} - {""}
        indicator = stated.pop() if len(stated) == 1 else self.text(entry, "CdtDbtInd")
        returned = any(self.all(one, "RtrInf") for one in details)
        reversed_ = self.text(entry, "RvslInd") in {"true", "1"} or returned
        if indicator == "CRDT":
            return Direction.OUT_BOUNCED if reversed_ else Direction.IN
        if indicator == "DBIT":
            return Direction.BOUNCED if reversed_ else Direction.OUT
        raise ValueError("it says neither credit nor debit")


_PARTS = ("debtor", "iban", "end_to_end_id", "text")


def _joined(texts: list[str]) -> str:
    """What several transactions say, each thing once."""
    return " ".join(dict.fromkeys(text for text in texts if text))[:_LONGEST_TEXT]


def _bad(name: str, what: str, allowed: str) -> BadInput:
    return BadInput.one(Problem(what, file=name, allowed=allowed))
