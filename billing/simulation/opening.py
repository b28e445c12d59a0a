"""Contracts with the evidence as each reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from billing.simulation.values import Subject
from governance.calendars import Calendars, calendars_of
from governance.contract.document import Contract
from sla.engines.engine import Engine
from sla.engines.in_process import IN_PROCESS
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.values import EvidenceFile


@dataclass(frozen=True, slots=True)
class Named:
    """A contract, what people call its document, and the document's digest."""

    name: str
    sha256: str
    contract: Contract


@contextmanager
def subjects(
    documents: Sequence[Named], files: Sequence[EvidenceFile], engine: Engine = IN_PROCESS
) -> Iterator[tuple[Subject, ...]]:
    """The contracts with their ledgers: one for all that read it in the same way.

    A ledger is read by a contract's currency and calendars. Raises what `open_ledger` raises.
    """
    opened: list[tuple[str, Calendars, Ledger]] = []
    with ExitStack() as stack:
        found = []
        for one in documents:
            frame = one.contract.engagement
            currency, calendars = frame.currency, calendars_of(frame)
            ledger = next((each[2] for each in opened if each[:2] == (currency, calendars)), None)
            if ledger is None:
                context = open_ledger(files, currency, calendars=calendars, engine=engine)
                ledger = stack.enter_context(context)
                opened.append((currency, calendars, ledger))
            found.append(Subject(one.name, one.sha256, one.contract, ledger))
        yield tuple(found)
