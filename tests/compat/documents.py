"""What the five earlier systems' documents promise: endpoints, keys, variables, files and commands of their code
blocks, tables and code spans. The documents are read from beside this checkout, and are no part of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "seeds"
SYSTEMS = {
    "The OVHcloud proxy": "000",
    "The Albert registry": "001",
    "The category router": "002",
    "The failover router": "003",
    "The LLM API gateway": "004",
}
# Keys of objects whose own keys are names that people chose.
NAMING = {"alternative_endpoints", "model_mappings", "service_stats", "services", "rate_limiting", "providers"}
NAMING |= {"provider_distribution", "open_circuits"}

FENCE = re.compile(r"^```(\w*) *\n(.*?)^```", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
STRING_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*')
VARIABLE = re.compile(r"^([A-Z][A-Z0-9_]*)=('[^']*'|.*)$", re.M)
ENDPOINT = re.compile(r"(?:(GET|POST|PUT|DELETE) )?(/[a-z][\w/{}.-]*|/)")
CURL = re.compile(r"curl (?:-s )?(?:-X (\w+) )?\"?http://localhost:\d+(/[^\s\"|]*)")
BODY = re.compile(r"-d '(\{.*?\})'", re.S)  # one of them has an apostrophe within, which no shell takes
FILE = re.compile(r"[~\w./-]*\.(?:json|log|py|example)|\.env")
SHELL_WORDS = {"curl", "for", "do", "done", "echo", "sleep"}


def present() -> bool:
    """Whether the documents are there."""
    return FOLDER.is_dir()


def read(system: str) -> str:
    """One document; that of the LLM API gateway once was UTF-8 and then read as Windows-1254."""
    (file,) = FOLDER.glob(f"{SYSTEMS[system]}_*.txt")
    text = file.read_text(encoding="utf-8")
    if system == "The LLM API gateway":
        return b"".join(_byte(letter) for letter in text).decode("utf-8", "replace")
    return text


def promises(system: str) -> dict[str, set[str]]:
    """What is promised, by kind: "endpoints" ("POST /x", or "/x" for any method), "keys" (dotted, "[]" for lists, "*"
    for names), "variables", "files", "commands"."""
    found: dict[str, set[str]] = {kind: set() for kind in ("endpoints", "keys", "variables", "files", "commands")}
    text = read(system)
    for language, block in FENCE.findall(text):
        if language in ("json", "yaml"):
            found["keys"].update(paths(decoded(language, block)))
        elif language in ("bash", "env", "ini"):
            _shell(block, found)
    prose = FENCE.sub("", text)
    for line in prose.splitlines():
        for span in SPAN.findall(line):
            _span(span.replace("\\|", "|"), line.startswith("|"), found)
    return found


def decoded(language: str, block: str) -> Any:
    """A block as data: YAML; JSON with comments, or lines of JSON without their braces."""
    if language == "yaml":
        return yaml.safe_load(block)
    bare = STRING_OR_COMMENT.sub(lambda match: match[1] or "", block).strip()
    return json.loads(bare if bare.startswith("{") else f"{{{bare}}}")


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every key within: "models[].clients[].args.base_url"."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item, f"{at}[]")
    elif isinstance(value, dict):
        naming = at.rpartition(".")[2] in NAMING
        for key, inner in value.items():
            here = f"{at}.{'*' if naming else key}".lstrip(".")
            if not naming:
                yield here
            yield from paths(inner, here)


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1254")
    except UnicodeEncodeError:
        return letter.encode("latin-1", "replace")


def _shell(block: str, found: dict[str, set[str]]) -> None:
    for name, value in VARIABLE.findall(block):
        found["variables"].add(name)
        if value.startswith("'["):
            found["keys"].update(paths(json.loads(value.strip("'")), name))
    block = VARIABLE.sub("", block).replace("'$i'", "$i").replace("\\\n", " ")
    for method, path in CURL.findall(re.sub(" +", " ", block)):
        found["endpoints"].add(f"{method or 'GET'} {path}")
    for body in BODY.findall(block):
        found["keys"].update(paths(json.loads(body)))
    for line in re.sub(r"'[^']*'", "''", BODY.sub("", block)).splitlines():
        line = line.partition("#")[0].strip()
        endpoint = ENDPOINT.fullmatch(line)
        if endpoint:
            found["endpoints"].add(line)
        elif line and line.split()[0] not in SHELL_WORDS:
            found["commands"].add(line)


def _span(span: str, in_table: bool, found: dict[str, set[str]]) -> None:
    span = span.strip()
    if ENDPOINT.fullmatch(span):
        found["endpoints"].add(span)
    elif FILE.fullmatch(span):
        found["files"].add(span)
    elif re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)+", span):
        found["variables"].add(span)
    elif in_table:
        curl = CURL.match(span)
        found["endpoints" if curl else "commands"].add(f"{curl[1] or 'GET'} {curl[2]}" if curl else span)
    elif curl := CURL.match(span):
        found["endpoints"].add(f"{curl[1] or 'GET'} {curl[2]}")
