from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from app.documents.charts import (
    WaterfallStep,
    sparkline,
    trend_chart,
    trend_points,
    waterfall_chart,
)
from tests.app.documents.settlements import settlement

SVG = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (the project has drawn it)


def charts() -> dict[str, str]:
    settled = settlement()
    points = trend_points((*settled.history, settled.measured), "SL-04")
    steps = [
        WaterfallStep('<b>"Desk" & more</b>', Decimal("120.00")),
        WaterfallStep("Service credit", Decimal("-20.00")),
        WaterfallStep("Payable", Decimal("100.00"), is_total=True),
    ]
    return {
        "trend": trend_chart(points, "Trend of SL-04", "EUR"),
        "sparkline": sparkline(points, "Trend of SL-04", "EUR"),
        "waterfall": waterfall_chart(steps, "To the amount payable", "EUR"),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return charts()


@pytest.mark.parametrize("name", ["trend", "sparkline", "waterfall"])
def test_a_chart_may_stand_inside_a_strict_page(drawn: dict[str, str], name: str) -> None:
    root = parsed(drawn[name])
    elements = list(root.iter())
    assert not any(element.tag == f"{SVG}script" for element in elements)
    names = {key for element in elements for key in element.attrib}
    assert not any(key == "style" or key.startswith("on") or "href" in key for key in names)
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert root.attrib["aria-labelledby"].split() == [child.attrib["id"] for child in root[:2]]


def test_ids_of_two_charts_differ(drawn: dict[str, str]) -> None:
    ids = [
        element.attrib["id"]
        for text in drawn.values()
        for element in parsed(text).iter()
        if "id" in element.attrib
    ]
    assert len(ids) == len(set(ids))


def test_the_description_says_what_the_lines_show(drawn: dict[str, str]) -> None:
    description = parsed(drawn["trend"]).findtext(f"{SVG}desc")
    assert description is not None
    assert "Sep 25: –, no data" in description
    assert "May 26: 1.4%, met" in description


def test_a_breach_has_its_own_shape() -> None:
    settled = settlement()
    points = trend_points((*settled.history, settled.measured), "SL-01")
    shapes = {
        element.attrib["d"]
        for element in parsed(trend_chart(points, "Trend", "EUR")).iter(f"{SVG}path")
        if element.attrib.get("transform") and element.attrib.get("fill") not in {None, "none"}
    }
    assert len(shapes) == 3


def test_names_are_escaped(drawn: dict[str, str]) -> None:
    assert "<b>" not in drawn["waterfall"]
    text = "".join(parsed(drawn["waterfall"]).itertext())
    assert '<b>"Desk" & more</b>' in text


def test_the_same_chart_has_the_same_bytes(drawn: dict[str, str]) -> None:
    assert charts() == drawn


def test_one_period_and_no_data_still_make_a_chart() -> None:
    settled = settlement()
    points = trend_points((settled.history[4],), "SL-04")
    assert "no data" in trend_chart(points, "Trend", "EUR")
