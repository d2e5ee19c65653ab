"""JSON of any shape, and documents with one node broken: what careless or hostile senders write."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.kinds import KINDS
from providers.wire import Target

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
OPERATIONS = ("chat", "completions", "embeddings", "rerank", "transcription")
SPOKEN = [
    (wire, operation) for wire in sorted(ADAPTERS) for operation in OPERATIONS if operation in ADAPTERS[wire].paths
]

# Characters that have broken gateways: a NUL, a line separator, a lone surrogate, one beyond 16 bits, a combining one.
TEXT = st.text(st.sampled_from('aZ9 _-\n\r\t"\\/{}[]:,.\x00\x7fé\u0301\u2028\ud83d\U0001f600'), max_size=12)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    TEXT,
    st.sampled_from(
        ["", "0", "stop", "error", "text", "tool_use", "data:;base64,", "data:image/png;base64,@", "[DONE]"]
    ),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
DELETED = object()

# FUZZ_EXAMPLES=1000 looks further than a test run has time for.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
fuzz = settings(
    max_examples=EXAMPLES or 20, deadline=None, derandomize=not EXAMPLES, suppress_health_check=list(HealthCheck)
)


def nested(depth: int, leaf: Any = 1) -> Any:
    """``[[[[…]]]]``, or with objects at every second level."""
    for level in range(depth):
        leaf = {"x": leaf} if level % 2 else [leaf]
    return leaf


REPLACEMENTS = st.one_of(
    st.just(DELETED),
    st.sampled_from(
        [None, True, False, 0, -1, 1, 2**63, 10**40, 1.5, 1e308, float("nan"), "", "x", [], {}, [None], [[]]]
    ),
    st.sampled_from([{"": None}, {"type": None}, {"type": "text"}, {"error": {}}, {"id": 1}, ["text"], [{"text": 1}]]),
    st.builds(nested, st.sampled_from([3, 260, 900])),
    JSON,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node within ``value``, its root left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    out = []
    for key, inner in items:
        out += [(*path, key), *places(inner, (*path, key))]
    return out


@st.composite
def broken(draw: st.DrawFn, document: Any, times: int = 2) -> Any:
    """``document`` with up to ``times`` nodes replaced or taken away."""
    out = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, times))):
        paths = places(out)
        if not paths:
            break
        *way, last = draw(st.sampled_from(paths))
        parent = out
        for key in way:
            parent = parent[key]
        new = draw(REPLACEMENTS)
        if new is DELETED:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(new)
    return out


def encoded(value: Any) -> bytes:
    """JSON with NaN and lone surrogates as they are: what decoders other than ours would write."""
    return json.dumps(value, ensure_ascii=True).encode()


def events_of(payload: bytes) -> list[tuple[bytes, Any]]:
    """A golden stream → (the event's other lines, its data: decoded, or bytes where it is not JSON)."""
    out: list[tuple[bytes, Any]] = []
    for block in payload.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = block.split(b"\n")
        data = b"\n".join(line.partition(b":")[2].strip() for line in lines if line.startswith(b"data:"))
        rest = b"".join(line + b"\n" for line in lines if line and not line.startswith(b"data:"))
        try:
            out.append((rest, json.loads(data)))
        except ValueError:
            out.append((rest, data))
    return out


def stream_of(events: list[tuple[bytes, Any]]) -> bytes:
    def spelled(data: Any) -> bytes:
        return data if isinstance(data, bytes) else encoded(data)

    return b"".join(rest + b"data: " + spelled(data) + b"\n\n" for rest, data in events)


def lines_of(payload: bytes) -> list[tuple[bytes, Any]]:
    """As ``events_of``, of a golden stream of JSON lines."""
    return [(b"", json.loads(line)) for line in payload.splitlines()]


def stream_of_lines(lines: list[tuple[bytes, Any]]) -> bytes:
    return b"".join((data if isinstance(data, bytes) else encoded(data)) + b"\n" for _, data in lines)


def target_of(kind: str, model: str = "asked-for") -> Target:
    row = KINDS[kind]
    return Target("vendor", kind, row.wire, "https://vendor.test/v1", model, paths=row.paths)
