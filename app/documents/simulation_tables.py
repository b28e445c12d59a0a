"""A simulation as tables: for spreadsheets, and to paste into a negotiation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.documents.formatting import amount
from app.documents.simulation_view import (
    SimulationView,
    point_words,
    signed_percent,
    stretch_words,
)
from billing.simulation.values import (
    Difference,
    Kind,
    MonthRow,
    SimulatedContract,
    VolumeStep,
)
from governance.values import money_text

Cell = str | int | Decimal | None
_EMPTY: Final = "–"
_KINDS: Final = {Kind.CHARGE: "Charge", Kind.CREDIT: "Service credit"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a line of headings."""

    name: str
    """Of its file, without ending."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(view: SimulationView) -> tuple[Table, ...]:
    """All figures, in tables for spreadsheets."""
    return (
        Table("clauses", _CLAUSES, tuple(_clauses(view))),
        Table("months", _MONTHS, tuple(_months(view))),
        Table("clauses-by-month", _BY_MONTH, tuple(_by_month(view))),
        Table("service-levels", _LEVELS, tuple(_levels(view))),
        Table("volume", _VOLUME, tuple(_volume(view))),
        Table("sensitivity", _SENSITIVITY, tuple(_sensitivity(view))),
    )


_CLAUSES: Final = ("kind", "old_id", "new_id", "title", "clause", "old", "new", "change")
_MONTHS: Final = (
    "contract",
    "month",
    "charges",
    "service_credit",
    "cost_before_tax",
    "coming_off_the_invoice",
    "taxes",
    "invoice_total",
    "set_aside",
)
_BY_MONTH: Final = ("contract", "kind", "id", "title", "clause", "month", "amount")
_LEVELS: Final = (
    "contract",
    "id",
    "title",
    "clause",
    "month",
    "value",
    "unit",
    "status",
    "credit",
    "why",
)
_VOLUME: Final = ("contract", "percent", "charge", "amount")
_SENSITIVITY: Final = (
    "contract",
    "id",
    "title",
    "month",
    "point",
    "value",
    "unit",
    "status",
    "credit",
    "credit_of_month",
)


def _clauses(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for one in view.of.differences:
        old = one.old_total if view.of.old else None
        change = one.change if view.of.old else None
        ids = (one.old_id or "", one.new_id or "")
        yield (_KINDS[one.kind], *ids, one.title, one.clause, old, one.new_total, change)


def _months(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for contract in view.of.contracts:
        for row in contract.months:
            yield (contract.name, row.month, *_sums(row), "; ".join(row.problems))


def _sums(row: MonthRow) -> tuple[Cell, ...]:
    if row.sums is None:
        return (None,) * 6
    sums = row.sums
    return (sums.charges, sums.credit, sums.cost, sums.coming_off, sums.taxes, sums.total)


def _by_month(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for contract in view.of.contracts:
        charges = {row.id for row in contract.charges}
        for row in view.grid(contract):
            kind = _KINDS[Kind.CHARGE if row.id in charges else Kind.CREDIT]
            for month, value in row.amounts.items():
                yield (contract.name, kind, row.id, row.title, row.clause, month, value)


def _levels(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for contract in view.of.contracts:
        for level in contract.levels:
            named = (contract.name, level.id, level.title, level.clause)
            for month, one in level.months.items():
                yield (*named, month, one.value, level.unit, one.status, one.credit, one.why)


def _volume(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for contract in view.of.contracts:
        for step in contract.volume:
            yield from _volume_step(contract, step)


def _volume_step(contract: SimulatedContract, step: VolumeStep) -> Iterator[tuple[Cell, ...]]:
    for name, value in step.charges.items():
        yield (contract.name, step.percent, name, value)
    yield (contract.name, step.percent, "charges together", step.subtotal)
    yield (contract.name, step.percent, "service credit", -step.credit)
    yield (contract.name, step.percent, "invoice total", step.total)


def _sensitivity(view: SimulationView) -> Iterator[tuple[Cell, ...]]:
    for contract in view.of.contracts:
        for level in contract.sensitivity:
            named = (contract.name, level.id, level.title, contract.sensitivity_of)
            for point in level.points:
                words = point_words(point, level).replace("\N{NO-BREAK SPACE}", " ")
                figures = (point.value, level.unit, point.status, point.credit, point.month)
                yield (*named, words, *figures)


def negotiation(view: SimulationView) -> str:
    """The clauses side by side as Markdown, and once more separated by tabs for a spreadsheet."""
    columns, rows = _paste_columns(view), list(_paste_rows(view))
    title = f"# {_line(view.of.new.name)}"
    if view.of.old:
        title += f" against {_line(view.of.old.name)}"
    return "\n".join(
        [
            title,
            "",
            _line(view.headline),
            "",
            _basis(view),
            "",
            *_markdown(columns, rows),
            "",
            *_notes(view),
            "## The same for a spreadsheet",
            "",
            "```tsv",
            *("\t".join(_tab(cell) for cell in row) for row in [columns, *rows]),
            "```",
            "",
        ]
    )


def _basis(view: SimulationView) -> str:
    digests = [f"{one.name}: SHA-256 {one.sha256}" for one in view.of.contracts]
    return (
        f"{_plain(view.span)}, in {view.currency}, before tax; a service credit is below zero."
        f" {'; '.join(_line(one) for one in digests)}."
    )


def _paste_columns(view: SimulationView) -> tuple[str, ...]:
    named = ("Clause", "Item", "Id")
    return (*named, "Old", "New", "Change") if view.of.old else (*named, view.currency)


def _paste_rows(view: SimulationView) -> Iterator[tuple[str, ...]]:
    for kind in Kind:
        rows = view.differences(kind)
        for one in rows:
            yield (one.clause, one.title, _ids(one), *_figures(view, one.old_total, one.new_total))
        if rows:
            sums = view.charges if kind is Kind.CHARGE else view.credits
            yield ("", f"{sums.title} together", "", *_figures(view, sums.old, sums.new))
    cost = view.cost
    yield ("", cost.title, "", *_figures(view, cost.old, cost.new))


def _ids(one: Difference) -> str:
    if one.old_id and one.new_id and one.old_id != one.new_id:
        return f"{one.old_id} → {one.new_id}"
    return one.new_id or one.old_id or ""


def _figures(view: SimulationView, old: Decimal | None, new: Decimal) -> tuple[str, ...]:
    if view.of.old is None or old is None:
        return (money_text(new, view.currency),)
    return tuple(money_text(each, view.currency) for each in (old, new, new - old))


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    rule = ["---"] * 3 + ["---:"] * (len(columns) - 3)
    for row in (columns, rule, *rows):
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _notes(view: SimulationView) -> Iterator[str]:
    for name, month, problems in view.set_aside:
        yield f"- {_line(name)}, {month} set aside: {_line('; '.join(problems))}"
    if view.set_aside:
        yield ""


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def _line(text: str) -> str:
    """A text on one line that starts no markup of its own."""
    return " ".join(_plain(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _cell(text: str) -> str:
    return _line(text) or " "


def _tab(text: str) -> str:
    """A cell between tabs; what a spreadsheet would calculate gets an apostrophe before it."""
    bare = " ".join(_plain(text).split())
    number = bare.removeprefix("-").replace(".", "", 1)
    risky = bare[:1] in set("=+-@＝＋－＠") and not number.isdigit()
    return f"'{bare}" if risky else bare


def terminal_lines(view: SimulationView) -> Iterator[str]:
    """The clauses and months as text for a terminal."""
    yield _plain(view.headline)
    yield ""
    columns = ("Old", "New", "Change") if view.of.old else (view.currency,)
    if view.of.compared:
        yield from _clause_lines(view, columns)
    yield _terminal_row("Cost by month", columns)
    for line in view.month_lines:
        costs = (_cost(line.old), _cost(line.new), line.change)
        figures = [amount(each, view.currency) for each in costs]
        yield _terminal_row(f"  {line.month}", figures if view.of.old else figures[1:2])
    yield from _volume_lines(view)
    yield from _jumps(view)
    yield from (
        f"Set aside: {name}, {month}: {'; '.join(why)}" for name, month, why in view.set_aside
    )


def _clause_lines(view: SimulationView, columns: Sequence[str]) -> Iterator[str]:
    yield _terminal_row("Clause by clause", columns)
    for one in view.of.differences:
        yield _terminal_row(f"  {_ids(one)}  {one.title}", _amounts(view, one))
    for sums in (view.charges, view.credits, view.cost):
        shown = (sums.old, sums.new, sums.change) if view.of.old else (sums.new,)
        yield _terminal_row(sums.title, [amount(each, view.currency) for each in shown])
    yield ""


def _amounts(view: SimulationView, one: Difference) -> list[str]:
    old = amount(one.old_total, view.currency) if one.old_id else _EMPTY
    new = amount(one.new_total, view.currency) if one.new_id else _EMPTY
    return [old, new, amount(one.change, view.currency)] if view.of.old else [new]


def _cost(row: MonthRow | None) -> Decimal | None:
    return row.sums.cost if row is not None and row.sums is not None else None


def _volume_lines(view: SimulationView) -> Iterator[str]:
    if not view.volume:
        return
    columns = ("Old", "New") if view.of.old else (view.currency,)
    yield ""
    yield _terminal_row(f"Invoice total by volume ({_volume_span(view)})", columns)
    for line in view.volume:
        steps = (line.old, line.new) if view.of.old else (line.new,)
        figures = [amount(one.total if one else None, view.currency) for one in steps]
        yield _terminal_row(f"  {signed_percent(line.percent)}", figures)


def _volume_span(view: SimulationView) -> str:
    return _plain(view.volume_of) if view.of.new.volume_of else "mean of all"


def _jumps(view: SimulationView) -> Iterator[str]:
    for contract in view.of.contracts:
        levels = [level for level in contract.sensitivity if len(level.stretches) > 1]
        if levels:
            yield ""
            yield f"Service credit of {contract.sensitivity_of} by service level, {contract.name}"
        for level in levels:
            yield f"  {level.id}  {level.title}"
            for one in level.stretches:
                yield f"    {_plain(stretch_words(one, level, view.currency))}"
    yield ""


def _terminal_row(name: str, figures: Sequence[str]) -> str:
    return f"{_plain(name)[:48]:<48}" + "".join(f"{one:>16}" for one in figures)
