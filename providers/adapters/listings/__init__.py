"""How each wire format, and some kinds of provider beside it, list their models. ◇"""

from collections.abc import Mapping

from providers.adapters.anthropic import VERSION
from providers.adapters.listings import openai, vendors
from providers.adapters.listings.base import OTHER, ListedUpstreamModel, Listing, Page

__all__ = ["OTHER", "ListedUpstreamModel", "Listing", "Page", "listings_of"]

BY_WIRE: Mapping[str, Listing] = {
    "openai": Listing("/models", openai.read),
    "anthropic": Listing(
        "/v1/models?limit=1000", vendors.read_anthropic, "after_id", headers={"anthropic-version": VERSION}
    ),
    "gemini": Listing("/models?pageSize=1000", vendors.read_gemini, "pageToken"),
    "cohere": Listing("/v1/models?page_size=1000", vendors.read_cohere, "page_token"),
    "ollama": Listing("/api/tags", vendors.read_ollama, at_root=True),
    "tei": Listing("/info", vendors.read_tei, at_root=True),
}

# Asked first: what tells more than the wire format's own list.
BY_KIND: Mapping[str, Listing] = {
    "xai": Listing("/language-models", openai.read),
    "ollama": BY_WIRE["ollama"],
    "tei": BY_WIRE["tei"],
}


def listings_of(kind: str, wire: str) -> tuple[Listing, ...]:
    """The lists to be tried in order: where the first is not there (404), the next may be."""
    general = BY_WIRE[wire]
    own = BY_KIND.get(kind, general)
    return (own,) if own is general else (own, general)
