"""Tables, charts and reports of a simulation."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from app.documents.simulation_charts import (
    change_chart,
    cost_chart,
    credit_chart,
    credit_curve,
    volume_chart,
)
from app.documents.simulation_report import report_html, report_pdf
from app.documents.simulation_tables import negotiation, terminal_lines
from app.documents.simulation_view import SimulationView, point_words, stretch_words
from app.simulation_files import FILES, file_of, media_type
from billing.simulation.values import AmountRow, Simulation
from tests.billing.simulation.values import ALONE, NEW, SIMULATED

_BLANK = "\N{NO-BREAK SPACE}"


def _plain(text: str) -> str:
    return text.replace(_BLANK, " ")


def test_the_headline_says_what_it_costs_and_what_is_left_out() -> None:
    said = _plain(SimulationView(SIMULATED).headline)
    assert said == (
        "new.yaml would have cost EUR 1,030.00 in 1 month: EUR 10.00 more than Version 1 (+1.0%)."
        " One month couldn't be priced and isn't in these sums."
    )
    alone = _plain(SimulationView(ALONE).headline)
    assert "new.yaml would have cost EUR 1,030.00 in 1 month, service credits taken off" in alone
    nothing = SimulationView(replace(SIMULATED, compared=()))
    assert nothing.headline == "No month could be priced, so there is nothing to compare."
    same = replace(SIMULATED, differences=SIMULATED.differences[:1])
    assert "exactly as much as Version 1" in SimulationView(same).headline


def test_a_table_to_paste() -> None:
    text = negotiation(SimulationView(SIMULATED))
    assert "| Schedule 3, 2 | Invoices \\| issued | CH-02 → CH-12 | 40.00 | 50.00 | 10.00 |" in text
    assert "|   | Cost before tax |   | 1020.00 | 1030.00 | 10.00 |" in text
    assert "- new.yaml, 2026-02 set aside: the meter calls_made needs" in text
    assert "Schedule 2, 1\tEffectiveness\tSL-01\t-20.00\t-20.00\t0.00" in text
    alone = negotiation(SimulationView(ALONE))
    assert "| Clause | Item | Id | EUR |" in alone


@pytest.mark.parametrize("title", ["=1+1", "@SUM(A1)", "-x", "+y"])
def test_nothing_that_is_pasted_is_a_formula(title: str) -> None:
    row = AmountRow("CH-01", title, title, {})
    risky = replace(SIMULATED.differences[0], title=row.title, clause=row.clause)
    found = negotiation(SimulationView(replace(SIMULATED, differences=(risky,))))
    assert f"'{title}\t'{title}\t" in found
    tables = file_of(replace(SIMULATED, differences=(risky,)), "clauses.csv").decode("utf-8-sig")
    assert f'"\'{title}"' in tables


def test_what_a_value_would_credit_in_words() -> None:
    (level,) = NEW.sensitivity
    assert [point_words(one, level) for one in level.points] == [
        "expected",
        "2 points better",
        "1 point better",
        "minimum",
        "as measured",
    ]
    days = replace(level, unit="days")
    assert point_words(level.points[2], days) == "1 day better"
    said = [_plain(stretch_words(one, level, "EUR")) for one in level.stretches]
    assert said == ["75.0% or better: EUR 0.00", "74.9% or worse: EUR 20.00"]


def test_terminal_lines() -> None:
    for simulation in (SIMULATED, ALONE):
        text = "\n".join(terminal_lines(SimulationView(simulation)))
        assert "Cost before tax" in text
        assert "Set aside: new.yaml, 2026-02: the meter calls_made" in text
        assert "−20%" in text
        assert _BLANK not in text


@pytest.mark.parametrize("simulation", [SIMULATED, ALONE], ids=["compared", "alone"])
def test_charts_say_in_words_what_they_show(simulation: Simulation) -> None:
    view = SimulationView(simulation)
    drawn = [cost_chart(view), credit_chart(view), change_chart(view), volume_chart(view)]
    drawn.append(credit_curve(NEW.sensitivity[0], "EUR"))
    for one in drawn:
        assert one is not None
        root = ET.fromstring(one)  # noqa: S314 (the project has drawn it)
        described = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
        assert "EUR" in described
        assert not any("style" in element.attrib for element in root.iter())


def test_without_figures_there_are_no_charts() -> None:
    none = replace(NEW, charges=(), levels=(), months=NEW.months[1:], volume=())
    view = SimulationView(replace(ALONE, new=none, compared=(), differences=()))
    assert [cost_chart(view), credit_chart(view), change_chart(view), volume_chart(view)] == [
        None
    ] * 4


@pytest.mark.parametrize("simulation", [SIMULATED, ALONE], ids=["compared", "alone"])
def test_the_report_holds_all_it_shows(simulation: Simulation) -> None:
    html = report_html(simulation)
    assert "Clause by clause" in html
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
    pdf = report_pdf(simulation)
    assert pdf.startswith(b"%PDF")
    assert pdf == report_pdf(simulation)


def test_every_file_is_made_and_has_a_type() -> None:
    for name in FILES:
        assert file_of(SIMULATED, name)
        assert media_type(name)


def test_tables_keep_the_sign_of_what_comes_off() -> None:
    text = file_of(SIMULATED, "clauses.csv").decode("utf-8-sig")
    rows = {row["new_id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (rows["SL-01"]["old"], rows["SL-01"]["change"]) == ("-20.00", "0.00")
    levels = file_of(SIMULATED, "service-levels.csv").decode("utf-8-sig")
    assert "Schedule 2, 1: missed" in levels


def test_hostile_names_stay_text() -> None:
    hostile = '<img src=x onerror="alert(1)">'
    found = replace(SIMULATED, new=replace(NEW, name=hostile))
    assert "<img" not in report_html(found)
    assert "<img" not in negotiation(SimulationView(found))
