"""A ledger that asks the engine once: two contracts that count the same share the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sla.engines.engine import Answer
from sla.evidence.ledger import Ledger


@dataclass(frozen=True)
class RememberingLedger(Ledger):
    """A ledger with the answers of its queries.

    A query with its parameters names a KPI or meter, its parameters, its window and the relief
    that is granted: where all of these agree, it is asked once.
    """

    answers: dict[str, Answer] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, ledger: Ledger) -> RememberingLedger:
        """The same ledger, remembering from now on."""
        return cls(**{one.name: getattr(ledger, one.name) for one in fields(Ledger)})

    def execute(self, query: str, bound: Mapping[str, Any]) -> Answer:
        """The answer from memory, or the engine's."""
        key = f"{query}\n{sorted(bound.items())!r}"
        if key not in self.answers:
            self.answers[key] = super().execute(query, bound)
        return self.answers[key]

    def forget(self) -> None:
        """Drop all answers; a month's are of no use to the next."""
        self.answers.clear()
