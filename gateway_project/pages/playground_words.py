"""What the playground's script says, in the reader's language. ``%(name)s`` are filled in by the script."""

from __future__ import annotations

from django.utils.translation import gettext as _


def strings() -> dict[str, str]:
    """Key of the script → text."""
    return {
        "you": _("You"),
        "waiting": _("Waiting for the first token …"),
        "streaming": _("Streaming …"),
        "complete": _("complete"),
        "stopped": _("stopped by you"),
        "cut": _("cut: the answer is not complete"),
        "failed": _("failed: status %(status)s"),
        "unreachable": _("The gateway cannot be reached: %(error)s"),
        "no_end": _("The stream ended without its last event."),
        "not_json": _("An event of the stream is not JSON."),
        "reasoning": _("Reasoning"),
        "tool_call": _("Tool call: %(name)s"),
        "attempts": _("attempts: %(count)s"),
        "category": _("category: %(name)s"),
        "first": _("first token after %(seconds)s s"),
        "total": _("%(seconds)s s in all"),
        "tokens": _("%(input)s → %(output)s tokens"),
        "estimated": _("estimated"),
        "cost": _("cost: %(cost)s"),
        "cost_unknown": _("cost unknown"),
        "cost_waiting": _("cost: being recorded …"),
        "finish": _("finish reason: %(reason)s"),
        "dropped": _("left out for the vendor: %(names)s"),
        "tries": _("Tries"),
        "skipped": _("left out: %(reason)s"),
        "request": _("See the request"),
        "curl": _("As a curl line"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "bad_extras": _("The extra fields must be a JSON object: %(error)s"),
        "no_model": _("Name a model first."),
        "no_text": _("Write a message first."),
        "no_token": _("No token: %(error)s"),
        "signed_out": _("You are not signed in any more: load the page again."),
    }
