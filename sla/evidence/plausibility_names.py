"""Customers that look like one customer under several names or numbers."""

# ruff: noqa: S608 (All parts of the queries are this module's own.)

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from sla.evidence.plausibility_tables import EXAMPLES, SHARE, Tables, count, rows
from sla.evidence.values import Example, Finding

NAMES = 200_000
"""So many names are compared at most."""
_FORMS = frozenset(
    {
        "ab",
        "ag",
        "and",
        "as",
        "associates",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "e",
        "foundation",
        "gmbh",
        "group",
        "holding",
        "in",
        "inc",
        "incorporated",
        "k",
        "kg",
        "limited",
        "llc",
        "llp",
        "ltd",
        "mbh",
        "nv",
        "ohg",
        "oy",
        "plc",
        "pty",
        "sa",
        "sarl",
        "se",
        "spa",
        "srl",
        "systems",
        "trust",
        "und",
        "us",
    }
)
"""Words that a company's name may go without: legal forms, and what people add to them."""


def many_names(ledger: Tables) -> Iterator[Finding]:
    """Numbers of customers whose names differ only in the writing or the legal form."""
    held = rows(
        ledger,
        "SELECT name, min(customer_id), max(customer_id) FROM customers WHERE name IS NOT NULL "
        f"GROUP BY name ORDER BY name LIMIT {NAMES}",
    )
    by_core: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, first, last in held:
        by_core[core(str(name))][str(name)].update((str(first), str(last)))
    several = {key: names for key, names in by_core.items() if key and _customers(names) > 1}
    total = count(ledger, "SELECT count(DISTINCT customer_id) FROM customers")
    involved = sum(_customers(names) for names in several.values())
    if involved <= total * SHARE:
        return
    ranked = sorted(several.items(), key=lambda each: (-_customers(each[1]), each[0]))
    message = (
        f"{involved} of {total} customers share their name with another one but for its writing or "
        f"legal form; they may be {len(several)} customers under many names"
    )
    evidence = (("customers involved", f"{involved} of {total}"), ("names", str(len(several))))
    examples = tuple(_example(names) for _, names in ranked[:EXAMPLES])
    yield Finding("one_customer_many_names", message, "customers", evidence, examples)


def many_numbers(ledger: Tables) -> Iterator[Finding]:
    """Numbers of customers that differ only in leading zeros, case or blanks."""
    dataset = "customers" if "customers" in ledger.handed_in else "invoices"
    plain = "lower(ltrim(replace(customer_id, ' ', ''), '0'))"
    groups = (
        f"SELECT {plain} AS plain, min(customer_id) AS first, max(customer_id) AS last "
        f"FROM {dataset} GROUP BY 1 HAVING min(customer_id) <> max(customer_id)"
    )
    found = count(ledger, f"SELECT count(*) FROM ({groups}) AS alike")
    if not found:
        return
    shown = rows(ledger, f"SELECT first, last FROM ({groups}) AS alike ORDER BY 1 LIMIT {EXAMPLES}")
    message = (
        f"{found} customers stand under several numbers that differ only in leading zeros, case or "
        "blanks, so that what they owe and what they paid are kept apart"
    )
    evidence = (("customers under several numbers", str(found)),)
    examples = tuple(Example(str(first), f"also {last}") for first, last in shown)
    yield Finding("one_customer_many_numbers", message, dataset, evidence, examples)


def core(name: str) -> str:
    """A company's name without case, accents, marks and legal forms."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.findall(r"\w+", letters)
    kept = list(words)
    while len(kept) > 1 and kept[-1] in _FORMS:
        kept.pop()
    return " ".join(kept)


def _customers(names: Mapping[str, set[str]]) -> int:
    return len(set().union(*names.values()))


def _example(names: Mapping[str, set[str]]) -> Example:
    numbers = sorted(set().union(*names.values()))
    return Example(numbers[0], f"{'; '.join(sorted(names))} ({', '.join(numbers[1:])})")
