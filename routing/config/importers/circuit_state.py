"""The category router's ``circuit_breaker_state.json``: which models it left alone, and until when.

No document says its form, so all plausible ones are read: models by name at the top or under ``circuits``, ``models``,
``circuit_breaker`` or ``open_circuits``; of each an object, or one fact alone (a time to come: the end; past: when it
opened; a small number: failures; a word: its state); or one mapping of models for each fact, ``{"failures": {model: 3},
"opened_at": {model: …}}``. Times are Unix seconds, milliseconds, or ISO 8601 (UTC where it names no zone).

A circuit that was open is opened here until its end: the one that is said, else five minutes after it opened. What has
ended by now changes nothing. A circuit that is open here for longer stays so.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from typing import Any

from routing import sharing
from routing.circuit import OPEN, Circuit
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers.accounts import counted
from routing.config.importers.categories import identities
from routing.config.importers.format import Format
from routing.config.importers.source import Source, wrong
from routing.models import CircuitState

PAUSE = 300.0
FAILURES = 3
LONGEST = 366 * 86400.0  # a circuit that is open for longer is a mistake
MILLISECONDS = 1e11  # Unix seconds of the year 5138
MOST_FAILURES = 1_000_000
SIGNS = ("open_circuits", "circuit_breaker")
NESTS = (*SIGNS, "circuit_breakers", "circuits", "models", "open")
FACTS = {
    "state": ("state", "status", "open", "is_open"),
    "failures": ("failures", "failure_count", "failure_counts", "consecutive_failures", "fails", "errors"),
    "since": ("opened_at", "open_since", "last_failure", "last_failure_at", "last_failure_time", "disabled_at"),
    "until": ("open_until", "opened_until", "until", "disabled_until", "retry_at", "next_attempt", "next_probe_at"),
}
STATES = ("open", "closed", "half_open", "half-open")
FACT_OF = {word: fact for fact, words in FACTS.items() for word in words}

Facts = dict[str, tuple[str, Any]]
"""What is said of one model: by fact, the path and the value."""


def _recognises(source: Source) -> bool:
    named = PurePath(source.name).name.startswith("circuit_breaker_state")
    return named or any(isinstance(source.mapping.get(nest), dict) for nest in SIGNS)


def _read(source: Source, draft: Draft) -> None:
    if not isinstance(source.content, dict) or source.is_env:
        raise wrong(f"expected an object of models and what is known of them, not {shown(source.content)}")
    said: dict[str, Facts] = defaultdict(dict)
    for path, model, fact, value in _facts(draft, source.content, ""):
        said[model][fact] = path, value
    now, before = time.time(), len(draft.follow_ups)
    for model, facts in said.items():
        circuit = _circuit(draft, facts, now)
        if circuit is not None:
            _open(draft, model, next(iter(facts.values()))[0], circuit)
    count = len(draft.follow_ups) - before
    draft.tell(f"{source.name}: {counted(count, 'circuit')} opened" if count else f"{source.name}: opens no circuit")


def _facts(draft: Draft, content: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, Any]]:
    """(path, model, fact, value) of everything that is understood; the rest is noted."""
    for key, value in content.items():
        where = f"{path}/{key}" if path else key
        if key in NESTS and isinstance(value, dict):
            yield from _facts(draft, value, where)
        elif key in NESTS and isinstance(value, list):
            yield from ((where, model, "state", True) for model in value if isinstance(model, str))
        elif key in FACT_OF and isinstance(value, dict):
            yield from ((f"{where}/{model}", model, FACT_OF[key], item) for model, item in value.items())
        elif isinstance(value, dict):
            yield from _of_model(draft, key, value, where)
        elif path or "/" in key:
            yield where, key, _fact_alone(value), value
        else:
            draft.note(where, "not understood, and left out")


def _of_model(draft: Draft, model: str, said: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, Any]]:
    for key, value in said.items():
        if key in FACT_OF:
            yield f"{path}/{key}", model, FACT_OF[key], value
        else:
            draft.note(f"{path}/{key}", "not understood, and left out")


def _fact_alone(value: Any) -> str:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in STATES):
        return "state"
    return "failures" if isinstance(value, int) and value <= MOST_FAILURES else "lone"


def _circuit(draft: Draft, facts: Facts, now: float) -> Circuit | None:
    """The open circuit that is meant; None where it is closed, or would be by now."""
    problems = len(draft.problems)
    times = {fact: _time(draft, *facts[fact]) for fact in ("since", "until", "lone") if fact in facts}
    failures = _failures(draft, *facts["failures"]) if "failures" in facts else None
    is_open = _is_open(draft, *facts["state"]) if "state" in facts else None
    if len(draft.problems) > problems:
        return None
    since, until, lone = times.get("since"), times.get("until"), times.get("lone")
    if lone is not None:
        since, until = (lone, None) if lone <= now else (None, lone)
    if is_open is None:
        is_open = until is not None or failures is None or failures >= FAILURES
    if since is None and until is None and is_open:
        draft.note(next(iter(facts.values()))[0], "open, but nothing says since or until when: it is left as it is")
    end = until if until is not None else (since or 0.0) + PAUSE
    if not is_open or end <= now:
        return None
    if end > now + LONGEST:
        draft.complain(next(iter(facts.values()))[0], "expected a time within the next year")
        return None
    began = since if since is not None else end - PAUSE
    cause = f"imported from {PurePath(draft.source).name}"[:300]
    return Circuit(OPEN, max(failures or 0, FAILURES), began, began, PAUSE, end, cause=cause)


def _open(draft: Draft, model: str, path: str, circuit: Circuit) -> None:
    """After the rows are written; nothing where it is open for as long already."""
    found = identities(draft.document, model)
    if not found:
        draft.note(path, f"nothing here is called {shown(model)}: its circuit is left out")
    for identity, endpoint in found.items():
        seen = CircuitState.objects.filter(identity=identity, phase=OPEN).first()
        end = circuit.next_probe_at or 0.0
        if seen is None or (seen.next_probe_at is not None and seen.next_probe_at < end):
            told = datetime.fromtimestamp(end, UTC).isoformat(" ", "seconds")
            change = partial(sharing.change_circuit, identity, lambda _seen: circuit, draft.actor)
            draft.follow_ups.append((f"circuit of {endpoint}: open until {told}", change))


def _time(draft: Draft, path: str, value: Any) -> float | None:
    """Unix seconds; None for null, or with a complaint."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value / 1000 if value > MILLISECONDS else float(value)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    if value is not None:
        draft.complain(path, f"expected a time as Unix seconds or ISO 8601, not {shown(value)}")
    return None


def _failures(draft: Draft, path: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_FAILURES:
        return value
    draft.complain(path, f"expected a whole number of failures, not {shown(value)}")
    return 0


def _is_open(draft: Draft, path: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in STATES:
        draft.complain(path, f"expected one of {', '.join(STATES)}, not {shown(value)}")
    return word == "open"


FORMAT = Format(
    "the category router's circuit_breaker_state.json", "its name, or “open_circuits”", _recognises, _read, late=True
)
