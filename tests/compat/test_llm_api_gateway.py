"""What users of the LLM API gateway send, letter by letter, to a gateway of three workers and eleven vendors."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from typing import Any

import pytest
import requests

from providers.catalogue import known_models
from tests.compat import documents, snippets
from tests.compat.shell import HOST, run_shell
from tests.compat.vendors import KEYS, VENDORS, model_asked, plug_all
from tests.running import RunningGateway
from tests.switchboard import Switchboard, reply

SYSTEM = "The LLM API gateway"
MODELS = [line for line in known_models() if line.provider in VENDORS]
USER = {"role": "user", "content": "Bonjour, comment ça va?"}
TOLD = {"role": "system", "content": "Tu es un assistant français."}
HEADINGS = {"Mistral AI": "mistral", "Qwen (Alibaba)": "qwen"}


def complete(**other: Any) -> dict[str, Any]:
    """The document's complete request, some of it otherwise."""
    return {**documents.decoded("json", snippets.COMPLETE), **other}


def asked(vendors: Switchboard, name: str) -> dict[str, Any]:
    """The last body that a vendor read."""
    body: dict[str, Any] = vendors.seen(name)[-1].json
    return body


def ask(gateway: RunningGateway, body: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """(the answer, the parameters that were reported as dropped)."""
    status, headers, raw = gateway.post(body)
    assert status == 200, raw
    dropped = headers.get("x-gateway-dropped-params", "")
    return json.loads(raw), {name.strip() for name in dropped.split(",") if name.strip()}


def program(source: str, gateway: RunningGateway) -> str:
    """What a Python program of the document prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(HOST.sub(gateway.url, source), {"requests": requests, "time": time})
    return said.getvalue()


def events(stream: str) -> list[str]:
    """The data of each event; nothing else may stand in a stream."""
    parts = stream.split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") for part in parts), stream
    return [part.removeprefix("data: ") for part in parts]


def plain(text: str) -> str:
    """Without symbols, some of which the document has lost."""
    return re.sub(r"[^\x00-\xff]", "", text)


@pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout")
@pytest.mark.parametrize("name", [name for name in vars(snippets) if name.isupper()])
def test_the_code_tried_here_is_that_of_the_document(name: str) -> None:
    assert plain(getattr(snippets, name)).strip() in plain(documents.read(SYSTEM))


@pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout")
def test_the_catalogue_has_every_model_of_the_documents_tables_at_its_vendor() -> None:
    vendor, there = "", set()
    for line in documents.read(SYSTEM).splitlines():
        if line.startswith("### "):
            heading = re.sub(r"^### [^\w]*", "", line)
            vendor = HEADINGS.get(heading, heading.lower())
        elif bold := re.match(r"\| [^|]*\*\*([^*]+)\*\*", line):
            there.add((vendor, bold[1]))
    assert len(there) == 103
    assert there <= {(line.provider, line.name) for line in MODELS}


def test_models_are_listed_at_models_by_bare_name_and_with_their_vendor(open_gateway: RunningGateway) -> None:
    listed = json.loads(run_shell(snippets.LIST, open_gateway.url))
    names = {model["id"] for model in listed["data"]}
    missing = {name for line in MODELS for name in (line.name, f"{line.provider}/{line.name}") if name not in names}
    assert not missing
    assert listed == json.loads(open_gateway.get("/v1/models")[2])


def test_every_model_is_called_by_bare_name_by_vendor_and_name_and_by_the_field_provider(
    open_gateway: RunningGateway, vendors: Switchboard
) -> None:
    for line in MODELS:
        spellings: tuple[dict[str, str], ...] = (
            {"model": line.name},
            {"model": f"{line.provider}/{line.name}"},
            {"provider": line.provider, "model": line.name},
        )
        for spelling in spellings:
            before = len(vendors.requests)
            answer, _dropped = ask(open_gateway, {**spelling, "messages": [USER]})
            (request,) = vendors.requests[before:]
            assert answer["choices"][0]["message"]["content"] == "Bonjour"
            assert request.target.startswith(f"/{line.provider}/"), spelling
            assert model_asked(request) == (line.upstream_name or line.name), spelling


def test_each_vendor_gets_the_key_of_its_variable(open_gateway: RunningGateway, vendors: Switchboard) -> None:
    for name, secret in zip(VENDORS, KEYS.values(), strict=False):
        ask(open_gateway, {"model": f"{name}/any", "messages": [USER]})
        sent = vendors.seen(name)[-1].headers
        assert secret in (sent.get("authorization", "") + sent.get("x-api-key", "") + sent.get("x-goog-api-key", ""))


def test_the_simple_chat_runs_as_written(open_gateway: RunningGateway, vendors: Switchboard) -> None:
    answer = json.loads(run_shell(snippets.SIMPLE, open_gateway.url))
    assert answer["object"] == "chat.completion"
    (choice,) = answer["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"] == {"role": "assistant", "content": "Bonjour", "refusal": None}
    assert asked(vendors, "openai") == {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Explique-moi les LLMs simplement."}],
        "temperature": 0.7,
    }


def test_the_stream_with_claude_runs_once_its_apostrophe_is_one_that_a_shell_takes(
    open_gateway: RunningGateway, vendors: Switchboard
) -> None:
    *chunks, end = events(run_shell(snippets.STREAMED.replace("l'IA", r"l'\''IA"), open_gateway.url))
    assert end == "[DONE]"
    read = [json.loads(chunk) for chunk in chunks]
    assert {chunk["object"] for chunk in read} == {"chat.completion.chunk"}
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in read) == "Bonjour"
    assert read[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in read][-1] == "stop"
    sent = asked(vendors, "anthropic")
    assert sent["model"] == "claude-3-opus-20240229"
    assert sent["stream"] is True
    assert sent["system"] == [{"type": "text", "text": "Tu es un poète talentueux."}]
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Écris un poème sur l'IA."}]}]


def test_the_chat_with_reasoning_runs_as_written(open_gateway: RunningGateway, vendors: Switchboard) -> None:
    assert json.loads(run_shell(snippets.REASONED, open_gateway.url))["usage"]["completion_tokens"] == 2
    sent = asked(vendors, "openai")
    assert (sent["model"], sent["reasoning_effort"]) == ("o1", "high")
    assert sent["messages"][0]["content"].endswith("Si 3x + 7 = 22, que vaut x?")


LOUD = {
    "top_p": 0.9,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.25,
    "response_format": {"type": "json_object"},
    "stop": ["###", "Fin:"],
}
BLOCKS = [{"role": "user", "content": [{"type": "text", "text": USER["content"]}]}]
GEMINI_TEXT = [{"role": "user", "parts": [{"text": USER["content"]}]}]
SENT: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "openai": (
        "gpt-4o",
        {"messages": [TOLD, USER], "temperature": 0.7, "max_completion_tokens": 1024, **LOUD},
        set(),
    ),
    "mistral": (
        "mistral-large-latest",
        {"messages": [TOLD, USER], "temperature": 0.7, "max_tokens": 1024, **LOUD},
        set(),
    ),
    "anthropic": (
        "claude-3-opus-20240229",
        {
            "messages": BLOCKS,
            "system": [
                {"type": "text", "text": TOLD["content"]},
                {"type": "text", "text": "Respond with a single JSON object and nothing else."},
            ],
            "temperature": 0.7,
            "max_tokens": 1024,
            "stop_sequences": ["###", "Fin:"],
            "top_p": 0.9,
        },
        {"frequency_penalty", "presence_penalty"},
    ),
    "google": (
        "gemini-1.5-pro",
        {
            "contents": GEMINI_TEXT,
            "systemInstruction": {"parts": [{"text": TOLD["content"]}]},
            "generationConfig": {
                "temperature": 0.7,
                "maxOutputTokens": 1024,
                "stopSequences": ["###", "Fin:"],
                "topP": 0.9,
                "frequencyPenalty": 0.5,
                "presencePenalty": 0.25,
                "responseMimeType": "application/json",
            },
        },
        set(),
    ),
    "cohere": (
        "command-r-plus",
        {
            "messages": [TOLD, USER],
            "stream": False,
            "temperature": 0.7,
            "max_tokens": 1024,
            "stop_sequences": ["###", "Fin:"],
            "p": 0.9,
            "frequency_penalty": 0.5,
            "presence_penalty": 0.25,
            "response_format": {"type": "json_object"},
        },
        set(),
    ),
}


@pytest.mark.parametrize("vendor", SENT)
def test_each_parameter_of_the_complete_request_reaches_the_vendor_in_its_words_or_is_reported(
    open_gateway: RunningGateway, vendors: Switchboard, vendor: str
) -> None:
    model, expected, unsaid = SENT[vendor]
    answer, dropped = ask(open_gateway, complete(provider=vendor, model=model, **LOUD))
    assert answer["choices"][0]["message"]["content"] == "Bonjour"
    sent = asked(vendors, vendor)
    assert model_asked(vendors.seen(vendor)[-1]) == model
    assert {key: value for key, value in sent.items() if key != "model"} == expected
    assert dropped == unsaid


@pytest.mark.parametrize("vendor", SENT)
def test_the_complete_request_as_written_is_taken_by_every_vendor(open_gateway: RunningGateway, vendor: str) -> None:
    answer, dropped = ask(open_gateway, complete(provider=vendor, model=SENT[vendor][0]))
    assert answer["choices"][0]["message"]["content"] == "Bonjour"
    assert dropped == ({"stop"} if vendor == "anthropic" else set()), "Claude takes no stop of blanks alone"


@pytest.mark.parametrize("vendor", SENT)
def test_what_is_dropped_is_a_400_for_who_asks_for_strictness(open_gateway: RunningGateway, vendor: str) -> None:
    model, _expected, unsaid = SENT[vendor]
    body = complete(provider=vendor, model=model, **LOUD)
    status, _headers, raw = open_gateway.post(body, **{"x-gateway-strict": "true"})
    assert status == (400 if unsaid else 200), raw


def test_the_system_message_stands_before_those_of_the_conversation(
    open_gateway: RunningGateway, vendors: Switchboard
) -> None:
    theirs = {"role": "system", "content": "Sois bref."}
    for vendor in ("openai", "mistral", "cohere"):
        ask(open_gateway, complete(provider=vendor, model=SENT[vendor][0], messages=[theirs, USER]))
        assert asked(vendors, vendor)["messages"] == [TOLD, theirs, USER]
    ask(open_gateway, complete(provider="anthropic", model="claude-3-opus-20240229", messages=[theirs, USER]))
    assert [block["text"] for block in asked(vendors, "anthropic")["system"]] == [TOLD["content"], theirs["content"]]
    ask(open_gateway, complete(provider="google", model="gemini-1.5-pro", messages=[theirs, USER]))
    told = asked(vendors, "google")["systemInstruction"]["parts"]
    assert "\n".join(part["text"] for part in told).split() == f"{TOLD['content']} {theirs['content']}".split()


@pytest.mark.parametrize(
    ("effort", "sent"), [("low", "low"), ("medium", "medium"), ("high", "high"), ("auto", None), (None, None)]
)
def test_the_effort_of_reasoning_models_is_passed_on_and_auto_leaves_it_to_them(
    open_gateway: RunningGateway, vendors: Switchboard, effort: str | None, sent: str | None
) -> None:
    for model in ("o1", "o3-mini"):
        body = {"provider": "openai", "model": model, "messages": [USER], "reasoning_effort": effort}
        assert ask(open_gateway, body)[1] == set()
        assert asked(vendors, "openai").get("reasoning_effort") == sent


def test_an_effort_becomes_a_budget_of_claude_and_is_reported_where_a_model_has_none(
    open_gateway: RunningGateway, vendors: Switchboard
) -> None:
    thinks = {"provider": "anthropic", "model": "claude-3-7-sonnet-20250219", "messages": [USER]}
    assert ask(open_gateway, {**thinks, "reasoning_effort": "high"})[1] == set()
    assert asked(vendors, "anthropic")["thinking"]["type"] == "enabled"
    for vendor, model in (
        ("anthropic", "claude-3-opus-20240229"),
        ("google", "gemini-1.5-pro"),
        ("cohere", "command-r"),
    ):
        body = {"provider": vendor, "model": model, "messages": [USER], "reasoning_effort": "high"}
        assert ask(open_gateway, body)[1] == {"reasoning_effort"}


def test_the_request_for_json_runs_as_written(open_gateway: RunningGateway, vendors: Switchboard) -> None:
    ask(open_gateway, json.loads(snippets.JSON_ANSWER))
    assert asked(vendors, "openai")["response_format"] == {"type": "json_object"}


PICTURE = "https://example.com/image.jpg"


@pytest.mark.parametrize(
    ("vendor", "model", "part"),
    [
        ("openai", "gpt-4o", {"type": "image_url", "image_url": {"url": PICTURE}}),
        ("anthropic", "claude-3-opus-20240229", {"type": "image", "source": {"type": "url", "url": PICTURE}}),
        ("mistral", "pixtral-large-latest", {"type": "image_url", "image_url": {"url": PICTURE}}),
        ("cohere", "command-a-vision-07-2025", {"type": "image_url", "image_url": {"url": PICTURE}}),
    ],
)
def test_the_message_with_a_picture_reaches_each_vendor_in_its_words(
    open_gateway: RunningGateway, vendors: Switchboard, vendor: str, model: str, part: dict[str, Any]
) -> None:
    ask(open_gateway, {**json.loads(snippets.IMAGE), "provider": vendor, "model": model})
    text, picture = asked(vendors, vendor)["messages"][0]["content"]
    assert text == {"type": "text", "text": "Que vois-tu sur cette image?"}
    assert picture == part


def test_the_failover_program_runs_as_written_and_goes_on_to_the_next_vendor(
    open_gateway: RunningGateway, vendors: Switchboard
) -> None:
    assert program(snippets.FAILOVER, open_gateway).startswith("Succès avec openai/gpt-4o\n")
    vendors.plug("openai", reply({"error": {"message": "out of order"}}, status=400))
    try:
        told = program(snippets.FAILOVER, open_gateway)
    finally:
        plug_all(vendors)
    assert told.startswith("Succès avec anthropic/claude-3-opus-20240229\n")
    assert "'content': 'Bonjour'" in told


def test_the_comparison_of_models_runs_as_written(open_gateway: RunningGateway) -> None:
    told = program(snippets.COMPARISON, open_gateway)
    names = re.findall(r"^📊 (.*):$", told, re.M)
    assert names == [
        "openai/gpt-4o",
        "anthropic/claude-3-5-sonnet-20241022",
        "mistral/mistral-large-latest",
        "google/gemini-1.5-pro",
    ]
    assert told.count("🔢 Tokens: 2\n") == 4
    assert told.count("📝 Début: Bonjour...\n") == 4


@pytest.mark.parametrize("vendor", VENDORS)
def test_answers_are_openais_whole_and_streamed_whoever_answers(open_gateway: RunningGateway, vendor: str) -> None:
    model = next(line.name for line in MODELS if line.provider == vendor)
    body = {"provider": vendor, "model": model, "messages": [USER]}
    answer, _dropped = ask(open_gateway, body)
    assert {"id", "object", "created", "model", "choices", "usage"} <= answer.keys()
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] | {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5} == answer["usage"]
    _status, headers, raw = open_gateway.post({**body, "stream": True})
    assert headers["content-type"].startswith("text/event-stream")
    *chunks, end = events(raw.decode())
    assert end == "[DONE]"
    read = [json.loads(chunk) for chunk in chunks]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in read) == "Bonjour"
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in read}) == 1


def test_check_providers_takes_the_place_of_the_test_script_and_sums_up_in_its_words(
    open_gateway: RunningGateway, tmp_path: Any
) -> None:
    wanted = re.findall(r"^(\S+): ✅ Succès$", snippets.SUMMARY, re.M)
    chosen = [word for name in wanted for word in ("--model", name)]
    told = open_gateway.manage(
        "check_providers", *chosen, "--language", "fr", "--jobs", "1", "--report", str(tmp_path / "rapport")
    )
    for heading in ("NON-STREAMING", "STREAMING"):
        block = told.split(f"=== RÉSUMÉ DES TESTS {heading} ===\n")[1]
        assert {f"{name}: ✅ Succès" for name in wanted} == set(block.splitlines()[: len(wanted)])
    assert (tmp_path / "rapport.md").exists()
