"""/docs in a real browser: it shows the description, takes a key and tries a request, and asks no other host."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.chromium import open_page
from tests.running import RunningGateway


def test_docs_are_read_and_tried_in_a_browser(gateway: RunningGateway) -> None:
    with open_page() as page:
        said: list[str] = []
        hosts: set[str] = set()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(f"{gateway.url}/docs")
        page.click("button.authorize")
        page.fill("input[aria-label='auth-bearer-value'], #auth-bearer-value", gateway.key)
        page.click(".auth-btn-wrapper button.authorize >> nth=0")
        page.click("button.btn-done >> nth=0")
        operation = page.locator("#operations-Inference-createChatCompletion")
        operation.locator(".opblock-summary-control").click()
        assert "curl http://localhost:8000/v1/chat/completions" in operation.inner_text()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table")
        answer.wait_for()
        assert "Bonjour" in answer.inner_text()
        assert "x-gateway-provider: openai" in answer.inner_text()
        for headline in ("Inference", "Models", "Routing", "Health"):
            assert page.locator(f"h3:has-text('{headline}')").count()
        assert said == []
        assert hosts == {urlsplit(gateway.url).netloc}
