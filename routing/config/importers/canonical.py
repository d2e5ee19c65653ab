"""Our own document: it is the whole configuration, so what it does not name is deleted; or a part of it
(``part: true``), whose rows replace those of the same names and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.config.amend import Draft
from routing.config.check import check
from routing.config.document import PART
from routing.config.importers.format import Format
from routing.config.importers.source import Source
from routing.config.selection import is_part, merged
from routing.config.text import load


def _read(source: Source, draft: Draft) -> None:
    said = load(source.text)
    part = is_part(said)
    document = merged(draft.document, said) if part else {name: row for name, row in said.items() if name != PART}
    check(document)
    stay = {
        name
        for name, row in _providers(document).items()
        if _place(row) == _place(_providers(draft.document).get(name, {}))
    }
    # Of what is stored, and of what sources before this one brought, nothing goes where the document may send it.
    draft.stored = {path: secret for path, secret in draft.stored.items() if path.split("/")[1] in stay}
    keep = _providers(draft.document).keys() - _providers(said).keys() if part else set()
    draft.secrets = {path: secret for path, secret in draft.secrets.items() if path.split("/")[1] in keep}
    draft.claims = {name: claim for name, claim in draft.claims.items() if name in keep}
    draft.document = document
    for section, rows in said.items():
        for name in rows if isinstance(rows, Mapping) else ():
            draft.came_from(f"{section}/{name}", f"{section}/{name}")


def _providers(document: Mapping[str, Any]) -> Mapping[str, Any]:
    providers: Mapping[str, Any] = document.get("providers", {})
    return providers


def _place(provider: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(provider.get(name) for name in ("base_url", "proxy", "ca_bundle"))


FORMAT = Format("the gateway's own export", "“version:” at the top", lambda source: "version" in source.mapping, _read)
