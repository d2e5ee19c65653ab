"""The words of routing as frozen values. ◇ no framework.

``Catalog`` is one generation of the configuration as the hot path reads it; everything in it is ready to be used.
Durations are seconds, times Unix seconds, money Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from providers.wire import Credential, Limits, Target
from routing.circuit import Rule
from routing.classify import Classification, Classifier
from routing.limits import Window

USUAL_CIRCUIT = Rule()
USUAL_ANSWER = 1024  # tokens that are reserved for an answer whose length nobody bounded


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """Figures per million tokens (``request``: per million requests). None is unknown, never 0."""

    valid_from: float
    currency: str
    input: Decimal | None
    output: Decimal | None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    request: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a provider's model; ``type`` "" is unknown. ``prices`` are ordered by ``valid_from``."""

    type: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    prices: tuple[PriceInForce, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint frozen for planning. ``identity`` is the key of all shared state; ``known`` is False where a caller
    made the name up, and nothing is remembered of it.

    ``reason_skipped`` is set at build time where configuration alone rules the endpoint out; ``skip_code`` is then
    "no_key" or "disabled".
    """

    endpoint: str
    identity: str
    target: Target
    credentials: tuple[Credential, ...]
    facts: Facts
    limits: Limits
    retries: int = 1
    priority: int = 0
    weight: int = 1
    reason_skipped: str | None = None
    skip_code: str = ""
    pass_model_name: bool = False
    windows: tuple[Window, ...] = ()
    circuit: Rule = USUAL_CIRCUIT
    known: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A list of candidates with a strategy of its own, as one entry of another list. ``members``: endpoints' names, in
    configured order, and groups within. ``priority`` and ``weight`` are its entry's."""

    name: str
    strategy: str
    members: tuple[str | Group, ...]
    priority: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """What a requested name resolves to.

    ``how``: model, alias, category, router, provider_model, bare, wildcard, transient. ``type``: "" where nobody knows
    it (a model that no one catalogued). ``candidates`` in configured order, each endpoint once; ``members``: the same
    by name, with the groups that some of them form; ``category`` where one was chosen, ``classification`` where the
    request itself was asked which.
    """

    requested: str
    name: str
    how: str
    type: str
    strategy: str
    candidates: tuple[Candidate, ...]
    category: str = ""
    mid_stream: str = "error"
    classification: Classification | None = None
    members: tuple[str | Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Steering:
    """What one request wants of its routing; it chooses among what its key may use and never reaches past it.

    ``only``, ``ignore``, ``order``: names of providers, kinds or endpoints, in lower case. ``sort``: a strategy instead
    of the route's own. ``max_prompt_price``, ``max_completion_price``: per million tokens, in the price's own currency.
    ``fallbacks``: whether others may be tried when the first does not answer.
    """

    only: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    sort: str = ""
    max_prompt_price: Decimal | None = None
    max_completion_price: Decimal | None = None
    fallbacks: bool = True


UNSTEERED = Steering()


@dataclass(frozen=True, slots=True)
class Need:
    """What a request asks of whoever is to answer it.

    ``operation``: a name of ``providers.operations``. ``prompt_tokens``: an estimate; ``answer_tokens``: at most, or a
    usual answer's. ``conversation``: the same for all requests of one conversation, "" where there is none.
    """

    operation: str = "chat"
    prompt_tokens: int = 0
    answer_tokens: int = USUAL_ANSWER
    conversation: str = ""
    steering: Steering = UNSTEERED

    @property
    def tokens(self) -> int:
        """What a window of tokens reserves."""
        return self.prompt_tokens + self.answer_tokens


@dataclass(frozen=True, slots=True)
class Skip:
    """A candidate that is not tried, and why. ``code`` is for programs, ``reason`` for people.

    ``wait``: seconds until the reason passes by itself, where it does.
    """

    endpoint: str
    code: str
    reason: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Candidates in the order to be tried, and those left out with reasons."""

    route: Route
    candidates: tuple[Candidate, ...]
    skipped: tuple[Skip, ...]


@dataclass(slots=True)
class Attempt:
    """One try at one endpoint, filled in as it goes. Milliseconds since the request began; None: never came so far."""

    endpoint: str
    provider: str
    upstream_model: str
    credential: str
    outcome: str = ""
    status: int | None = None
    error: str = ""
    started_ms: float = 0.0
    headers_ms: float | None = None
    first_ms: float | None = None
    end_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """An API key as the catalog knows it. ``allowed``: patterns, empty = all; ``expires_at``: Unix seconds or None;
    ``windows``: its own limits; ``log_content``: whether what it sends and gets is kept."""

    name: str
    prefix: str
    scopes: frozenset[str]
    allowed: tuple[str, ...] = ()
    expires_at: float | None = None
    enabled: bool = True
    windows: tuple[Window, ...] = ()
    log_content: bool = False


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider in the catalog: what a transient endpoint of it is made from, and its models by name."""

    name: str
    kind: str
    position: int
    enabled: bool
    target: Target
    credentials: tuple[Credential, ...]
    keyless: bool
    missing: tuple[str, ...]
    models: Mapping[str, Candidate] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    proxy_missing: bool = False

    @property
    def configured(self) -> bool:
        """Whether requests can be sent to it at all. ``missing`` names what would have to be set."""
        return self.enabled and not self.proxy_missing and (self.keyless or bool(self.credentials))


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A line of ``/v1/models``."""

    id: str
    type: str
    owned_by: str
    created: int
    aliases: tuple[str, ...] = ()
    max_context_length: int | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """One generation of the configuration, immutable: what every request of a worker reads."""

    generation: int
    routes: Mapping[str, Route]
    aliases: Mapping[str, str]
    categories: Mapping[str, Route]
    providers: Mapping[str, ProviderEntry]
    endpoints: Mapping[str, Candidate]
    bare: Mapping[str, tuple[Candidate, ...]]
    grants: Mapping[str, Grant]
    listed: tuple[ListedModel, ...]
    wildcard: Route | None = None
    classifier: Classifier = field(default_factory=Classifier)
