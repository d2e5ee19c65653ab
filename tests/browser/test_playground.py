"""The playground as somebody sees it: answers that stream side by side, are stopped, cut, refused."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visits import Visits
from tests.switchboard import DONE, USAGE, Switchboard, delta, event, stream, whole_stream

pytestmark = pytest.mark.gateway

BEGIN = delta("", role="assistant")
END = (delta(finish="stop"), USAGE, DONE)


def opened(visits: Visits, model: str, second: str = "", **how: bool) -> Page:
    page = visits.page("admin", **how)
    page.goto(f"/admin/playground/?model={model}&second={second}")
    return page


def send(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send").click()


def answer(page: Page, side: int = 0, which: int = 0) -> Locator:
    return page.locator(f"#play-side-{side} article").nth(which)


def ended(shown: Locator, outcome: str) -> None:
    expect(shown).to_have_attribute("data-outcome", outcome, timeout=20_000)


def piece(said: dict[str, Any]) -> bytes:
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": said, "finish_reason": None}]})  # fmt: skip


def test_two_models_answer_side_by_side_as_their_words_come(visits: Visits, board: Switchboard) -> None:
    gate = threading.Event()
    board.plug("north", stream(BEGIN, delta("cold <b>and"), gate, delta(" dark"), *END))
    board.plug("south", whole_stream("warm ", "and light"))
    page = opened(visits, "north-chat", "south-chat")
    send(page, "How is it?")
    try:
        expect(answer(page, 1)).to_contain_text("warm and light")
        ended(answer(page, 1), "complete")
        expect(answer(page, 0).locator(".play-text")).to_have_text("cold <b>and")
        expect(answer(page, 0)).to_have_attribute("aria-busy", "true")
    finally:
        gate.set()
    ended(answer(page, 0), "complete")
    expect(answer(page, 0).locator(".play-text")).to_have_text("cold <b>and dark")
    for side, name in enumerate(("north", "south")):
        facts = answer(page, side).locator(".play-facts")
        for fact in (f"{name} · {name}", "attempts: 1", "first token after", "s in all", "finish reason: stop"):
            expect(facts).to_contain_text(fact)
        expect(facts).to_contain_text("3 → 2 tokens")
        expect(facts).to_contain_text("cost: 0.000007 USD")
    answer(page, 0).get_by_role("link", name="See the request").click()
    expect(page.locator("body")).to_contain_text("playground-admin")


def test_a_conversation_goes_on_and_its_curl_line_says_the_same(visits: Visits, board: Switchboard) -> None:
    board.plug("north", whole_stream("It's cold."))
    page = opened(visits, "north-chat")
    page.get_by_text("System prompt and parameters").click()
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Tokens, at most").fill("20")
    page.get_by_label("Stop at").fill("END")
    page.get_by_label("Extra fields, as JSON").fill('{"seed": 7}')
    send(page, "How is it?")
    ended(answer(page), "complete")
    page.get_by_label("Message").fill("And now?")
    page.keyboard.press("Control+Enter")
    ended(answer(page, 0, 1), "complete")
    sent = board.seen("north")[-1].json
    assert [said["content"] for said in sent["messages"]] == ["Be brief.", "How is it?", "It's cold.", "And now?"]
    assert (sent["temperature"], sent["max_tokens"], sent["stop"], sent["seed"]) == (0.5, 20, "END", 7)
    answer(page, 0, 1).get_by_text("As a curl line").click()
    line = answer(page, 0, 1).locator("pre").inner_text()
    assert '"Authorization: Bearer $GATEWAY_API_KEY"' in line
    assert "page-sy-" not in line
    body = json.loads(line.split("-d '", 1)[1].removesuffix("'").replace("'\\''", "'"))
    assert (body["model"], body["messages"][2]["content"], body["seed"]) == ("north-chat", "It's cold.", 7)


def test_reasoning_and_tool_calls_are_shown(visits: Visits, board: Switchboard) -> None:
    calls = [{"index": 0, "id": "c1", "type": "function", "function": {"name": "wind", "arguments": '{"at":'}}]
    more = [{"index": 0, "function": {"arguments": '"pole"}'}}]
    thought = (piece({"reasoning_content": "Let me "}), piece({"reasoning_content": "see."}))
    board.plug("north", stream(BEGIN, *thought, piece({"tool_calls": calls}), piece({"tool_calls": more}), *END))
    page = opened(visits, "north-chat")
    send(page, "How is it?")
    ended(answer(page), "complete")
    expect(answer(page).locator(".play-reasoning")).to_have_text("Let me see.")
    expect(answer(page).locator(".play-tool")).to_contain_text("Tool call: wind")
    expect(answer(page).locator(".play-tool pre")).to_have_text('{"at":"pole"}')


def test_stopping_ends_the_answer_here_and_at_the_vendor(visits: Visits, board: Switchboard) -> None:
    board.plug("north", stream(BEGIN, delta("and so on"), end="open"))
    page = opened(visits, "north-chat")
    send(page, "Tell me everything.")
    expect(answer(page)).to_contain_text("and so on")
    page.get_by_role("button", name="Stop", exact=True).click()
    ended(answer(page), "stopped")
    assert board.left.wait(20)
    expect(answer(page)).to_contain_text("cancelled")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_an_answer_that_breaks_off_is_shown_as_cut(visits: Visits, board: Switchboard) -> None:
    board.plug("south", stream(BEGIN, delta("half an"), end="close"))
    page = opened(visits, "south-chat")
    send(page, "Tell me everything.")
    ended(answer(page), "cut")
    expect(answer(page).locator(".play-text")).to_have_text("half an")
    expect(answer(page).locator(".play-problem")).to_contain_text("The answer broke off")


def test_what_is_refused_is_told_in_the_gateways_words(visits: Visits) -> None:
    visits.forgive("status of 404")
    page = opened(visits, "north-chatt")
    send(page, "Hello?")
    ended(answer(page), "failed")
    expect(answer(page)).to_contain_text("failed: status 404")
    expect(answer(page)).to_contain_text("Did you mean 'north-chat'")
    page.get_by_text("System prompt and parameters").click()
    page.get_by_label("Extra fields, as JSON").fill("[1]")
    send(page, "Hello?")
    expect(page.get_by_role("alert").last).to_contain_text("must be a JSON object")
    assert page.locator("article").count() == 1


def test_the_token_is_renewed_and_one_that_is_gone_is_replaced(visits: Visits, board: Switchboard) -> None:
    visits.forgive("status of 401")
    board.plug("north", whole_stream("here"))
    page = opened(visits, "north-chat")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/admin/", 1)[-1]))
    send(page, "one")
    ended(answer(page), "complete")
    page.route("**/v1/chat/completions", lambda route: route.fulfill(status=401, json={"error": {}}), times=1)
    send(page, "two")
    ended(answer(page, 0, 1), "complete")
    assert asked.count("playground/token/") == 2


def test_it_can_be_used_on_a_phone_in_the_dark(visits: Visits, board: Switchboard) -> None:
    board.plug("north", whole_stream("a" * 300))
    page = opened(visits, "north-chat", "south-chat", phone=True, dark=True)
    send(page, "x" * 200)
    ended(answer(page), "complete")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


HARD = ': ping\r\n\r\ndata: {"a":\ndata: "é"}\n\nevent: x\rdata:{"b": 2}\r\rid: 3\r\n\r\ndata: [DONE]\r\n\r\ndata: late'


def test_events_are_read_wherever_they_are_cut(visits: Visits) -> None:
    page = opened(visits, "north-chat")
    raw = HARD.encode()
    for size in (1, 2, 3, 7, 1000):
        cuts = [*range(0, len(raw), size), len(raw)]
        parts = [list(raw[start:end]) for start, end in pairwise(cuts)]
        told = page.evaluate(
            """async (parts) => {
                const heard = [];
                const body = new ReadableStream({ start(to) {
                    for (const part of parts) to.enqueue(new Uint8Array(part));
                    to.close();
                } });
                const over = await window.gatewayPlayground.read(new Response(body), (chunk) => heard.push(chunk));
                return { heard, outcome: over.outcome };
            }""",
            parts,
        )
        assert told == {"heard": [{"a": "é"}, {"b": 2}], "outcome": "complete"}, size


def test_a_stream_without_its_last_event_is_not_complete(visits: Visits) -> None:
    page = opened(visits, "north-chat")
    script = "async (text) => (await window.gatewayPlayground.read(new Response(text), () => {})).outcome"
    for text, outcome in (
        ('data: {"a": 1}\n\n', "cut"),
        ("data: {oops\n\ndata: [DONE]\n\n", "cut"),
        ('data: {"error": {}}\n\n', "error"),
    ):
        assert page.evaluate(script, text) == outcome, text
