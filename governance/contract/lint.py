"""Warnings about contracts that are sound and may still be unwise.

An error says that a document can't be what both sides mean; a warning says that it may not be,
and a note what is worth knowing before one signs. Each rule is a small function; its docstring
says why it matters, and is printed in the documentation of the contract language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from governance.contract import (
    lint_bands,
    lint_caps,
    lint_charges,
    lint_commitments,
    lint_credits,
    lint_engagement,
    lint_invoicing,
    lint_levels,
    lint_parties,
    lint_prices,
)
from governance.contract.document import Contract
from governance.contract.kpi_signature import KpiSignature
from governance.contract.lint_values import NOT_STATED, Concern, Reading, Rule, Weight
from governance.contract.yaml_nodes import descend, parse_nodes, path_text

MAX_WARNINGS = 1000
"""Beyond this many, nobody reads on."""
RULES_BY_SUBJECT: Mapping[str, tuple[Rule, ...]] = {
    "Term and notice": lint_engagement.RULES,
    "Invoices and tax": (*lint_invoicing.RULES, *lint_parties.RULES),
    "Promises": lint_levels.RULES,
    "Tiers, bands and bonuses": lint_bands.RULES,
    "Service credits": lint_credits.RULES,
    "Caps": lint_caps.RULES,
    "Charges": lint_charges.RULES,
    "Prices": lint_prices.RULES,
    "Minima and maxima": lint_commitments.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in RULES_BY_SUBJECT.values() for rule in rules)


@dataclass(frozen=True, slots=True)
class ContractWarning:
    """A concern about a contract, and where in its document it stands."""

    rule: str
    """Name of the rule, the same from version to version."""
    weight: Weight
    clause: str
    """Where the signed contract says so, or "not stated"."""
    file: str
    line: int
    path: str
    """Key path in the document, as charges[1].pricing.tiers[1]."""
    what: str
    advice: str

    def where(self) -> str:
        """Where it stands: "line 58, charges[1].pricing.tiers[1] (Schedule 4, 2)"."""
        clause = "" if self.clause == NOT_STATED else f" ({self.clause})"
        return f"line {self.line}, {self.path}{clause}"

    def __str__(self) -> str:
        text = f"{self.file}, {self.where()}: {self.what}; {self.advice}"
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)

    def as_json(self) -> dict[str, str | int | None]:
        """Stable keys for `--json`."""
        return {
            "rule": self.rule,
            "weight": self.weight.value,
            "what": self.what,
            "advice": self.advice,
            "clause": None if self.clause == NOT_STATED else self.clause,
            "file": self.file,
            "line": self.line,
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class LintContext:
    """What a contract is read against."""

    day: date
    """What lies before is past."""
    kpis: Mapping[str, KpiSignature] | None = None
    """Without it nothing is said that needs a KPI's direction or unit."""
    meters: Collection[str] = field(default_factory=frozenset)
    """Names of the quantities that are counted from evidence."""


def concerns_of(contract: Contract, context: LintContext) -> Iterator[tuple[str, Concern]]:
    """Every concern about a sound contract with the name of its rule, in the order of the rules."""
    reading = Reading(contract, context.day, context.kpis, frozenset(context.meters))
    for rule in RULES:
        for concern in rule(reading):
            yield rule.__name__, concern


def lint_contract(
    contract: Contract, data: bytes, file: str, context: LintContext
) -> tuple[ContractWarning, ...]:
    """The warnings about a contract that was read from `data`, in the order of its lines.

    At most MAX_WARNINGS: who has more starts with these.
    """
    root, _ = parse_nodes(data, file)
    found = []
    for rule, concern in islice(concerns_of(contract, context), MAX_WARNINGS):
        line = list(descend(root, concern.path))[-1][1]
        warning = ContractWarning(
            rule=rule,
            weight=concern.weight,
            clause=concern.clause,
            file=file,
            line=line,
            path=path_text(concern.path),
            what=concern.what,
            advice=concern.advice,
        )
        found.append(warning)
    return tuple(sorted(found, key=lambda each: each.line))
