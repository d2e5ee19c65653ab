"""Every recorded chat exchange, replayed as an upstream of a real gateway: what goes out and what comes back is right.

The official client reads each recording directly and through the gateway; both must read the same.
"""

from __future__ import annotations

import json
import random
import urllib.request
from types import ModuleType
from typing import Any

import pytest
from openai import OpenAI

from tests.corpus.conftest import recording, recordings
from tests.corpus.reading import read
from tests.running import RunningGateway

pytestmark = [pytest.mark.gateway, pytest.mark.corpus]

ITEMS = [item for item in recordings("openai-chat") if recording(item["id"])["request"]["json"] is not None]
KINDS = {
    "openai", "mistral", "openrouter", "deepseek", "xai", "ollama", "perplexity", "cerebras", "vllm", "qwen",
}  # fmt: skip
FAMILY = {"albert-vllm-tei": "albert", "gpustack-vllm": "vllm"}
OURS = {"reasoning", "reasoning_content", "reasoning_details"}


def kind_of(provider: str) -> str:
    return provider if provider in KINDS else FAMILY.get(provider, "openai-compatible")


def provider_row(item: dict[str, Any], base_url: str) -> dict[str, Any]:
    upstream_name = recording(item["id"])["request"]["json"].get("model") or "m"
    return {
        "kind": kind_of(item["provider"]),
        "base_url": base_url,
        "keyless": True,
        "models": {"recorded": {"upstream_name": upstream_name}},
    }


def provider_rows(replay: str) -> dict[str, Any]:
    rows = {}
    for number, item in enumerate(ITEMS):
        base = f"{replay}/replay/{item['id']}"
        rows[f"whole-{number}"] = provider_row(item, f"{base}/v1")
        rows[f"split-{number}"] = provider_row(item, f"{base}/opt:split=rand,seed={number}/v1")
        rows[f"crlf-{number}"] = provider_row(item, f"{base}/opt:crlf=1,split=1/v1")
    return rows


def unknown_fields(value: Any, path: str = "") -> set[str]:
    """Every field name in a JSON value: what a vendor itself sent may be passed on."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in unknown_fields(inner)}
    if isinstance(value, list):
        return {name for inner in value for name in unknown_fields(inner)}
    return set()


def vendor_fields(item: dict[str, Any]) -> set[str]:
    response = recording(item["id"])["response"]
    if "json" in response:
        return unknown_fields(response["json"])
    names: set[str] = set()
    for line in response.get("sse_text", "").splitlines():
        data = line.removeprefix("data:").strip()
        if data.startswith("{"):
            names |= unknown_fields(json.loads(data))
    return names


def client(base_url: str, key: str = "none") -> OpenAI:
    return OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60)


@pytest.mark.parametrize("number", range(len(ITEMS)), ids=[item["id"] for item in ITEMS])
def test_a_recording_reads_the_same_through_the_gateway(
    number: int, gateway: RunningGateway, replay: str, validators: ModuleType
) -> None:
    item = ITEMS[number]
    body = dict(recording(item["id"])["request"]["json"])
    direct = read(client(f"{replay}/replay/{item['id']}/v1"), body)
    ways = ["whole", "split"] + (["crlf"] if item["stream"] and random.Random(number).random() < 0.3 else [])
    for way in ways:
        asked = {**body, "model": f"{way}-{number}/recorded"}
        through = read(client(f"{gateway.url}/v1", gateway.key), asked)
        compare(direct, through, body, f"{item['id']} {way}")
    if "error" not in direct:
        check_types(number, item, body, gateway, replay, validators)


def compare(direct: dict[str, Any], through: dict[str, Any], body: dict[str, Any], where: str) -> None:
    if "error" in direct:
        assert "error" in through, where
        if direct["status"] in (400, 404, 422):
            assert through["status"] in (direct["status"], 404), (where, direct, through)
        return
    assert "error" not in through, (where, through)
    assert through["text"] == direct["text"], where
    assert [call[1:] for call in through["calls"]] == [call[1:] for call in direct["calls"]], where
    for ours, theirs in zip(through["calls"], direct["calls"], strict=True):
        assert ours[0] == theirs[0] or not theirs[0], where
    for index, finish in direct["finish"].items():
        if finish in ("stop", "length", "tool_calls", "content_filter"):
            assert through["finish"][index] == finish, where
    wants_usage = not body.get("stream") or (body.get("stream_options") or {}).get("include_usage")
    if wants_usage and direct["usage"]:
        assert through["usage"] == direct["usage"], where


def check_types(
    number: int,
    item: dict[str, Any],
    body: dict[str, Any],
    gateway: RunningGateway,
    replay: str,
    validators: ModuleType,
) -> None:
    """What is sent and what is answered validate strictly, vendors' own extra fields aside."""
    with urllib.request.urlopen(f"{replay}/__log") as log:
        sent = [entry["json"] for entry in json.load(log) if entry["id"] == item["id"]][-1]
    request_validator = validators.validators_for(item["provider"], "openai-chat")[0]
    own = set(request_validator(recording(item["id"])["request"]["json"]))
    assert [problem for problem in request_validator(sent) if problem not in own] == []
    allowed = (vendor_fields(item) | OURS) - {"obfuscation"}
    asked = {**body, "model": f"whole-{number}/recorded"}
    if not body.get("stream"):
        status, _, raw = gateway.post(asked)
        assert status == 200
        assert validators.validate_openai_response(json.loads(raw), allow_unknown=allowed) == []
        return
    for include_usage in (True, False):
        options = {"stream_options": {"include_usage": True}} if include_usage else {"stream_options": None}
        _, _, raw = gateway.post({**asked, **options})
        has_usage = "prompt_tokens" in vendor_fields(item)
        wanted = include_usage if has_usage or not include_usage else None
        problems = validators.validate_openai_stream(raw.decode(), allow_unknown=allowed, include_usage=wanted)
        assert problems == []
