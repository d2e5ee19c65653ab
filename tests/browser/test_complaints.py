"""What makes the other tests of this folder fail by themselves."""

from __future__ import annotations

from tests.browser.visits import Visits


def test_a_page_that_asks_elsewhere_or_misses_a_file_is_noticed(visits: Visits) -> None:
    visits.forgive(".")
    page = visits.page()
    page.goto("/admin/explain/")
    page.evaluate("fetch('/static/gateway/missing.js')")
    page.evaluate("fetch('http://elsewhere.example/').catch(() => {})")
    page.evaluate("document.head.append(Object.assign(document.createElement('script'), {textContent: 'var x'}))")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('spilled') })")
    heard = "\n".join(visits.heard)
    for complaint in ("static file: ", "http://elsewhere.example/", "script-src", "Error: spilled"):
        assert complaint in heard
