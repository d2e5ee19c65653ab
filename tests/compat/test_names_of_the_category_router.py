"""The category router's names of models, its default chains and its own name, asked of a gateway with its vendors."""

from __future__ import annotations

import json

import pytest

from tests.compat import documents
from tests.compat.vendors import model_asked
from tests.running import RunningGateway
from tests.switchboard import Switchboard

KIMI, GLM, MINI = "openrouter/kimi-k2.5", "openrouter/glm-5", "openai/gpt-4o-mini"
# What it writes → the vendor that is asked, and for what.
NAMES = {
    "openrouter/moonshotai/kimi-k2.5": ("openrouter", "moonshotai/kimi-k2.5"),
    "openai/gpt-4o": ("openai", "gpt-4o"),
    "anthropic/claude-3-opus": ("anthropic", "claude-3-opus-20240229"),
    "anthropic/claude-3-sonnet": ("anthropic", "claude-3-sonnet-20240229"),
    "google/gemini-1.5-pro": ("google", "gemini-1.5-pro"),
    "ollama/llama3.1": ("ollama", "llama3.1"),
    KIMI: ("openrouter", "moonshotai/kimi-k2.5"),
    GLM: ("openrouter", "z-ai/glm-5"),
    MINI: ("openai", "gpt-4o-mini"),
}
QUESTIONS = {
    "code": "Debug this Python function: it raises a KeyError",
    "reasoning": "Prove step by step that there are infinitely many primes",
    "conversation": "Good morning! How are you?",
}


@pytest.mark.parametrize("name", NAMES)
def test_its_names_reach_the_vendor_by_the_name_that_the_vendor_knows(
    open_gateway: RunningGateway, vendors: Switchboard, name: str
) -> None:
    before = len(vendors.requests)
    status, _headers, raw = open_gateway.post({"model": name, "messages": [{"role": "user", "content": "Hi"}]})
    assert (status, json.loads(raw)["choices"][0]["message"]["content"]) == (200, "Bonjour")
    (request,) = vendors.requests[before:]
    vendor, model = NAMES[name]
    assert request.target.startswith(f"/{vendor}/")
    assert model_asked(request) == model


@pytest.mark.parametrize("name", ["router", "router/router"])
@pytest.mark.parametrize(("category", "first"), [("code", GLM), ("reasoning", KIMI), ("conversation", GLM)])
def test_the_router_asks_the_first_of_the_categorys_chain(
    open_gateway: RunningGateway, vendors: Switchboard, name: str, category: str, first: str
) -> None:
    asked = {"model": name, "messages": [{"role": "user", "content": QUESTIONS[category]}]}
    assert open_gateway.post(asked)[0] == 200
    assert model_asked(vendors.seen("openrouter")[-1]) == NAMES[first][1]


def test_a_request_with_tools_is_for_the_chain_of_tools(open_gateway: RunningGateway, vendors: Switchboard) -> None:
    tool = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
    asked = {"model": "router/router", "messages": [{"role": "user", "content": "High water?"}], "tools": [tool]}
    assert open_gateway.post(asked)[0] == 200
    assert model_asked(vendors.seen("openrouter")[-1]) == NAMES[KIMI][1]


@pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout")
def test_the_names_tried_here_are_those_of_the_document() -> None:
    text = documents.read("The category router")
    assert not [name for name in NAMES if name not in text]
