"""Templates as text: they compile, exist, work without script, and carry no inline code."""

from __future__ import annotations

import re

import pytest

from app.web.rendering import TEMPLATES, environment
from tests.paths import ROOT

PAGES = sorted(
    path.relative_to(TEMPLATES).as_posix()
    for path in TEMPLATES.rglob("*.html")
    if not {"documents", "mail"} & set(path.parts)
)
_TAG = re.compile(r"<[a-zA-Z][^<>]*(?:<[^<>]*>[^<>]*)*>")


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_it_compiles_and_is_short(name: str) -> None:
    environment().get_template(name)
    assert _text(name).count("\n") < 150


@pytest.mark.parametrize("name", PAGES)
def test_it_has_no_inline_script_or_style(name: str) -> None:
    text = _text(name)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|js:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("name", PAGES)
def test_every_request_works_without_script(name: str) -> None:
    for tag in _TAG.findall(_text(name)):
        for verb, plain in (("hx-get", "href"), ("hx-post", "action")):
            found = re.search(rf'{verb}="([^"]*)"', tag)
            if found:
                assert f'{plain}="{found[1]}' in tag, tag


def test_every_form_that_posts_carries_a_token() -> None:
    for name in PAGES:
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", _text(name), re.DOTALL):
            assert "token(csrf_token)" in form, name


def test_every_template_that_code_names_exists() -> None:
    named = set()
    for path in (ROOT / "app" / "web").glob("*.py"):
        named |= set(re.findall(r'"((?:\w+/)+\w+\.html)"', path.read_text(encoding="utf-8")))
    for name in PAGES:
        named |= set(re.findall(r'(?:extends|include|from) "([\w/]+\.html)"', _text(name)))
    assert named == set(PAGES)
