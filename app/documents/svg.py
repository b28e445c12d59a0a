"""Vega-Lite to SVG that may stand inside a page or a document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, Final
from xml.etree import ElementTree as ET

import vl_convert
from markupsafe import Markup

from app.documents.rendering import FONT_FOLDER

_SVG: Final = "{http://www.w3.org/2000/svg}"
_VEGA_LITE: Final = "6.4"
_DROPPED: Final = frozenset({"style", "class", "role", "pointer-events", "version"})
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")

CONFIG: Final[Mapping[str, Any]] = {
    "background": None,
    "font": "Inter, Liberation Sans, DejaVu Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "#8a94a0",
        "gridColor": "#e4e8ec",
        "labelColor": "#4a5563",
        "labelFontSize": 10,
        "tickColor": "#8a94a0",
        "title": None,
    },
}

ET.register_namespace("", _SVG.strip("{}"))


@cache
def _register_fonts() -> None:
    """So that the space for labels is measured in the font that draws them."""
    if any(FONT_FOLDER.glob("*.ttf")):
        vl_convert.register_font_directory(str(FONT_FOLDER))


def chart_svg(spec: Mapping[str, Any], title: str, description: str) -> Markup:
    """The chart as SVG text, safe to stand in a page that forbids inline styles and scripts.

    Styles are presentation attributes, ids are unique to the chart, and `<title>` and `<desc>`
    say in words what the lines show. The same spec is drawn once a process. Decimals come as
    strings in the spec and become numbers only in the drawing.
    """
    return _drawn(json.dumps({**spec, "config": CONFIG}, sort_keys=True), title, description)


@lru_cache(maxsize=512)
def _drawn(spec: str, title: str, description: str) -> Markup:
    _register_fonts()
    text = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, allowed_base_urls=[])
    root = ET.fromstring(text)  # noqa: S314 (Written by our own renderer a line above.)
    name = "chart-" + sha256(f"{spec}{title}{description}".encode()).hexdigest()[:10]
    for element in root.iter():
        _clean(element, name)
    root.set("role", "img")
    root.set("class", "chart")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    root.insert(0, _text_element("title", f"{name}-title", title))
    root.insert(1, _text_element("desc", f"{name}-desc", description))
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 (Serialised, so escaped.)


def _text_element(tag: str, name: str, text: str) -> ET.Element:
    element = ET.Element(f"{_SVG}{tag}", {"id": name})
    element.text = text
    return element


def _clean(element: ET.Element, name: str) -> None:
    """Turn styles into attributes, keep ids to the chart, and drop what only Vega reads."""
    for rule in element.attrib.get("style", "").split(";"):
        key, colon, value = rule.partition(":")
        if colon:
            element.set(key.strip(), value.strip())
    for key in list(element.attrib):
        if key in _DROPPED or key.startswith("aria-"):
            del element.attrib[key]
        else:
            element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", element.attrib[key]))
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
