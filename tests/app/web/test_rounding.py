"""The page on rounding, which every page's foot leads to."""

from __future__ import annotations

from tests.app.web.support import World


def test_the_rules_stand_in_the_application(world: World) -> None:
    with world.signed_in(world.chair) as (browser, _):
        assert 'href="/rounding"' in browser.get("/engagements").text
        page = browser.get("/rounding").text
    assert "half up, away from zero" in page
    assert '<td class="num">0.125</td><td class="num">0.13</td>' in page
    assert "style=" not in page
    assert page.index("The rule in short") < page.index("Measured values") < page.index(">Tax<")
