"""The document as YAML text, both ways. Reading is safe and bounded.

Refused: more than 10 MB, tags, nesting beyond 50, duplicate keys, keys that are not text, and characters that no
database stores. Anchors and aliases (a "bomb" of a few lines can unfold to gigabytes) are refused in our own documents,
which have none; other systems' files may have them, and ``<<``, as long as what they unfold to stays bounded.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from routing.config.document import VERSION, DocumentError, Problem, shown
from routing.config.unfolding import Unfolding

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 50
MAX_NUMBER = 10**300  # beyond, neither floats nor their text hold it
MERGE = "tag:yaml.org,2002:merge"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C parser is 10 times faster
    """Times stay text, ``<<`` is a key like any other, duplicate keys are errors."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge", ":value"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.refuse_twins(node)
        return super().construct_mapping(node, deep)

    def refuse_twins(self, node: yaml.MappingNode) -> None:
        """Raises DocumentError for a key that appears twice or is not text."""
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = "<<" if key_node.tag == MERGE else self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                what = (
                    f"the key {key_node.value[:60]}"
                    if isinstance(key_node, yaml.ScalarNode)
                    else "a list or mapping as key"
                )
                raise _at(key_node.start_mark, f"{what} is not text; quote it")
            if key in seen:
                raise _at(key_node.start_mark, f"the key {shown(key)} appears twice")
            seen.add(key)


class _ForeignLoader(_Loader):
    """``<<`` takes over the keys of another mapping; those that are said beside it win."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers | {"<": [(MERGE, re.compile(r"^(?:<<)$"))]}

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._flat: set[int] = set()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        return dict(yaml.constructor.BaseConstructor.construct_mapping(self, node, deep))

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Once a mapping: before it is flattened is when its own keys can be told from those it takes over."""
        if id(node) not in self._flat:
            self._flat.add(id(node))
            self.refuse_twins(node)
            super().flatten_mapping(node)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Nothing is abbreviated by anchors: the reader refuses them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quote_line_separators(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """PyYAML writes these plainly and reads them back as spaces."""
    style = '"' if any(character in "\x85\u2028\u2029\ufeff" for character in value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _quote_line_separators)


def dump(document: dict[str, Any]) -> str:
    """Document → YAML text: the same text for the same document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def parse(text: str | bytes, *, foreign: bool = False) -> Any:
    """YAML text → plain values. ``foreign``: another system's, with anchors. Raises DocumentError: line or path, and
    what was expected."""
    if len(text if isinstance(text, bytes) else text.encode(errors="replace")) > MAX_BYTES:
        raise _wrong(f"the document is larger than {MAX_BYTES // 1024 // 1024} MB")
    try:
        _refuse_tricks(text, Unfolding() if foreign else None)
        document = yaml.load(text, Loader=_ForeignLoader if foreign else _Loader)  # noqa: S506 - SafeLoaders
    except yaml.MarkedYAMLError as error:
        raise _at(error.problem_mark, f"not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        if isinstance(error, DocumentError):
            raise
        raise _wrong(f"not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
    refuse_unstorable("", document)
    return document


def load(text: str | bytes) -> dict[str, Any]:
    """YAML text → a document of the present version. Raises DocumentError: line or path, and what was expected."""
    document = parse(text)
    if not isinstance(document, dict):
        raise _wrong(f"expected a mapping that begins with “version: {VERSION}”, not {shown(document)}")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise DocumentError([Problem("version", f"expected {VERSION}, not {shown(version)}")])
    return document


def _refuse_tricks(text: str | bytes, unfolding: Unfolding | None) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if unfolding is None and (isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)):
            raise _at(event.start_mark, "anchors and aliases (&, *) are not accepted; quote a text that begins so")
        if getattr(event, "tag", None):
            raise _at(event.start_mark, "tags (!) are not accepted; quote a text that begins so")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        height = unfolding.take(event) if unfolding is not None else 0
        if depth + height > MAX_DEPTH:
            raise _at(event.start_mark, f"nested more than {MAX_DEPTH} deep")


def refuse_unstorable(path: str, value: Any) -> None:
    """NUL, lone surrogates, NaN, infinities and endless numbers are accepted by YAML or JSON and by no database."""
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(path, key)
            refuse_unstorable(f"{path}/{key}" if path else key, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            refuse_unstorable(f"{path}/{index}", item)
    elif isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise DocumentError([Problem(path, "expected text without NUL and lone surrogates")])
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise DocumentError([Problem(path, "expected a finite number")])
    elif isinstance(value, int) and not -MAX_NUMBER < value < MAX_NUMBER:
        raise DocumentError([Problem(path, "expected a number of at most 300 digits")])
    elif not isinstance(value, str | int | float | None):
        raise DocumentError([Problem(path, f"expected text, a number, true, false or null, not {shown(value)}")])


def _at(mark: Any, message: str) -> DocumentError:
    return DocumentError([Problem(f"line {mark.line + 1}" if mark else "", message)])


def _wrong(message: str) -> DocumentError:
    return DocumentError([Problem("", message)])
