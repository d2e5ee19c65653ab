"""What came of a test, in words that an operator understands, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from providers.errors import (
    ConnectFailed,
    ConnectionBroken,
    ContentFiltered,
    CredentialRejected,
    MalformedReply,
    ModelMissing,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamTimeout,
)
from routing.checking.single import Tried
from routing.types import ProviderEntry


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tone``: good, warn or bad. ``said``: the vendor's own words, or the connection's."""

    tone: str
    title: Any
    advice: Any = ""
    said: str = ""


REFUSALS = {
    "no_key": (
        _("There is no key, so nothing was sent."),
        _("Add a key to the provider, or tick “works without a key” if it needs none."),
    ),
    "no_proxy": (
        _("The proxy cannot be decrypted, so nothing was sent."),
        _("Enter the proxy of the provider again."),
    ),
    "no_operation": (
        _("This kind of provider does not serve models of this type, so nothing was sent."),
        _("Check the type of the model and the kind of the provider."),
    ),
}
# What the connection says (providers/transport/faults.py) → title and advice.
CONNECTIONS: tuple[tuple[str, Any, Any], ...] = (
    (
        "could not be resolved",
        _("The host name is not known (DNS)."),
        _("Check the spelling of the base URL, and that this server can resolve the name."),
    ),
    (
        "connection refused",
        _("The connection was refused: nothing listens at this address and port."),
        _("Check host and port of the base URL, and that the server is running."),
    ),
    (
        "certificate was not accepted",
        _("The server's certificate is not trusted (TLS)."),
        _("Check the host name; for a certificate of your own, name its file as CA bundle of the provider."),
    ),
    (
        "TLS handshake failed",
        _("No encrypted connection could be made (TLS)."),
        _("Perhaps this port speaks http: check the scheme and port of the base URL."),
    ),
    ("the proxy refused", _("The proxy refused to connect."), _("Check the proxy of the provider and its password.")),
    (
        "CA bundle",
        _("The CA bundle cannot be read."),
        _("Check its path, and that the gateway may read the file."),
    ),
    (
        "no header can hold",
        _("A key or header holds a character that cannot be sent."),
        _("Enter the key again, without line breaks or letters beyond ASCII."),
    ),
)
ERRORS: dict[str, tuple[Any, Any]] = {
    ConnectFailed.outcome: (_("No connection could be made."), _("Check the base URL, the proxy and the network.")),
    ConnectionBroken.outcome: (
        _("The connection broke before the answer was whole."),
        _("Try again; if it happens often, look at what stands between, such as a proxy or load balancer."),
    ),
    UpstreamTimeout.outcome: (
        _("There was no answer in time."),
        _("The server may be overloaded, or loading the model: try again in a minute."),
    ),
    CredentialRejected.outcome: (
        _("The key was rejected."),
        _("Check at the vendor that it is valid, paid for and allowed to use this model; then rotate it here."),
    ),
    ModelMissing.outcome: (
        _("The model is not known there, or the address is wrong."),
        _("Compare the upstream name with the provider's own list of models, and the path of the base URL."),
    ),
    RateLimited.outcome: (
        _("The key's rate limit or quota is used up."),
        _("Wait, or raise the limit at the vendor; a second key would be tried next."),
    ),
    StreamCut.outcome: (_("The stream ended before the answer did."), _("Try again, or try it without streaming.")),
    MalformedReply.outcome: (
        _("It answered, but not in the format of this kind."),
        _("Check that the kind of the provider and the path of the base URL belong together."),
    ),
    "malformed": (
        _("It answered, but not quite in the format."),
        _("Most clients will get along with it; what is amiss is named above."),
    ),
    ContentFiltered.outcome: (_("The vendor refused the content of the test."), ""),
    ServerFailed.outcome: (
        _("The server failed."),
        _("The fault is the vendor's: try again later, and look at its status page."),
    ),
    RequestRejected.outcome: (
        _("The server did not accept the request."),
        _("Its own words say why; often a parameter of “extra body”, or a model of another type."),
    ),
}


def verdict(tried: Tried, entry: ProviderEntry) -> Verdict:
    """The sentence for what came of a test. ``entry``: the provider that was asked."""
    if tried.refusal:
        title: Any
        advice: Any
        title, advice = REFUSALS[tried.refusal]
        if tried.refusal == "no_key" and entry.missing:
            advice = _(
                "Add a key to the provider, or set %(variables)s in the gateway's environment and restart it."
            ) % {"variables": " / ".join(entry.missing)}
        return Verdict("bad", title, advice)
    finding = tried.finding
    if finding is None or tried.overdue:
        return Verdict("bad", *ERRORS[UpstreamTimeout.outcome])
    if finding.outcome == "success":
        if finding.rejected:
            return Verdict("warn", _("It works, but not with every key."), _("Replace the keys that were rejected."))
        return Verdict("good", _("It works."))
    title, advice = ERRORS.get(finding.code, (_("It does not work."), ""))
    if finding.code == ConnectFailed.outcome:
        title, advice = next((two for sign, *two in CONNECTIONS if sign in finding.said), (title, advice))
    tone = "warn" if finding.code in ("malformed", RateLimited.outcome) else "bad"
    return Verdict(tone, title, advice, finding.said or finding.detail)
