"""The electronic forms of one document together, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from billing.e_invoices.requirements import problems_of
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from billing.invoices.fee_document import FeeDocument
from governance.errors import Problem


@dataclass(frozen=True, slots=True)
class EInvoices:
    """What is kept beside a document's PDF, and inside it."""

    cii: bytes | None
    """In the contract's profile, as is `ubl`; both are None where `problems` says why."""
    ubl: bytes | None
    embedded: bytes | None
    """CII of EN 16931 for the PDF; also there where only the profile's own keys are missing."""
    problems: tuple[Problem, ...]
    """Keys of the contract that the profile needs, or amounts that the norm can't state."""


def e_invoices_of(document: FeeDocument) -> EInvoices:
    """All forms of a document; one that lacks a key for them goes without, and says which."""
    profile = Profile(document.profile)
    problems = problems_of(document, profile)
    embedded = None
    if not problems or not problems_of(document, Profile.EN16931):
        embedded = e_invoice_xml(document, Syntax.CII, Profile.EN16931)
    if problems:
        return EInvoices(None, None, embedded, problems)
    ubl = e_invoice_xml(document, Syntax.UBL, profile)
    if profile is Profile.EN16931:
        return EInvoices(embedded, ubl, embedded, ())
    return EInvoices(e_invoice_xml(document, Syntax.CII, profile), ubl, embedded, ())


def lacking(document: FeeDocument) -> tuple[Problem, ...]:
    """What the profile's electronic forms lack, told of a draft as well: before it is issued."""
    numbered = replace(
        document,
        number=document.number or "draft",
        issued_on=document.issued_on or document.period.end,
    )
    return problems_of(numbered, Profile(document.profile))
