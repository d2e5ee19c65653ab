"""Recorded exchanges from ../shared/corpus and the judge in ../shared/tools, where they are present."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from providers.kinds import KINDS

SHARED = Path(__file__).resolve().parents[3] / "shared"
KIND_OF = {"gemini": "google", "albert-vllm-tei": "albert", "ai21-via-bedrock": "ai21", "gpustack-vllm": "vllm"}


def recordings(wire: str) -> list[dict[str, Any]]:
    """Index entries of one wire format; [] where the corpus is absent."""
    index = SHARED / "corpus" / "index.json"
    if not index.is_file():
        return []
    return [entry for entry in json.loads(index.read_text()) if entry["wire"] == wire]


def recording(entry: dict[str, Any]) -> dict[str, Any]:
    """One recorded exchange: ``request.json``, ``response.json`` or ``response.sse_text``, ..."""
    return json.loads((SHARED / "corpus" / entry["file"]).read_text())


def kind_of(provider: str) -> str:
    """The kind under which an operator would configure a recorded provider."""
    kind = KIND_OF.get(provider, provider)
    return kind if kind in KINDS else "openai-compatible"


@cache
def judge() -> ModuleType:
    """The strict validator of requests and replies."""
    spec = importlib.util.spec_from_file_location("validate_types", SHARED / "tools" / "validate_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_in(value: Any) -> set[str]:
    """Every key that occurs anywhere in a decoded JSON value."""
    if isinstance(value, dict):
        return set(value).union(*(names_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(names_in(inner) for inner in value))
    return set()
