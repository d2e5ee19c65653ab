"""What is asked on the page "Explain", as a form and as the request that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gateway_project.api.explaining import DIALECTS
from routing.strategies import STRATEGIES
from routing.types import Catalog

MOST_PROPOSED = 2 * 1024 * 1024  # whoever may look may propose, and a processor is busy with it: less than an import
INPUT = {"class": "gw-input"}
TOOL = {"type": "function", "function": {"name": "example", "parameters": {"type": "object"}}}
OPERATIONS = {
    "chat": _("Chat"),
    "completions": _("Completions"),
    "embeddings": _("Embeddings"),
    "rerank": _("Rerank"),
    "transcription": _("Transcription"),
}
MOST_TOKENS = 100_000_000


class Question(forms.Form):
    """A request that nobody has made. ``cleaned_data`` has a ``model``, or the form says what is missing."""

    model = forms.CharField(
        label=_("Model"),
        max_length=200,
        required=False,
        help_text=_("As applications write it, e.g. gpt-4o, openai/gpt-4o, router."),
        widget=forms.TextInput({**INPUT, "list": "model-names", "autocomplete": "off", "spellcheck": "false"}),
    )
    category = forms.ChoiceField(
        label=_("or a category"),
        required=False,
        widget=forms.Select(INPUT),
        help_text=_("Asked for by name, e.g. router/code: nothing is classified."),
    )
    key = forms.ChoiceField(
        label=_("API key"),
        required=False,
        widget=forms.Select(INPUT),
        help_text=_("As the application with this key: its allowed models and its limits count."),
    )
    operation = forms.ChoiceField(
        label=_("Operation"), required=False, choices=list(OPERATIONS.items()), widget=forms.Select(INPUT)
    )
    prompt = forms.CharField(
        label=_("Prompt"),
        required=False,
        widget=forms.Textarea({**INPUT, "rows": 4}),
        help_text=_("What the user says: “router” chooses by it, and its length is the request's size."),
    )
    tools = forms.BooleanField(label=_("With tools"), required=False)
    prompt_tokens = forms.IntegerField(
        label=_("Tokens in"),
        required=False,
        min_value=0,
        max_value=MOST_TOKENS,
        widget=forms.NumberInput(INPUT),
        help_text=_("Empty: estimated from the prompt, e.g. 12000."),
    )
    max_tokens = forms.IntegerField(
        label=_("Tokens out, at most"),
        required=False,
        min_value=1,
        max_value=MOST_TOKENS,
        widget=forms.NumberInput(INPUT),
        help_text=_("The request's max_tokens. Empty: a usual answer's."),
    )
    sort = forms.ChoiceField(
        label=_("Order by (x-gateway-sort)"),
        required=False,
        widget=forms.Select(INPUT),
        help_text=_("A strategy instead of the model's own."),
    )
    order = forms.CharField(
        label=_("First (x-gateway-order)"),
        required=False,
        widget=forms.TextInput(INPUT),
        help_text=_("Endpoints, providers or kinds with commas between them, e.g. azure-eu, openai."),
    )
    only = forms.CharField(label=_("Only (x-gateway-only)"), required=False, widget=forms.TextInput(INPUT))
    ignore = forms.CharField(label=_("None of (x-gateway-ignore)"), required=False, widget=forms.TextInput(INPUT))
    alone = forms.BooleanField(
        label=_("Only the first may answer (x-gateway-fallbacks: false)"),
        required=False,
    )
    proposed = forms.CharField(
        label=_("Proposed configuration"),
        required=False,
        strip=False,
        widget=forms.Textarea({**INPUT, "rows": 10, "class": "gw-input gw-code", "spellcheck": "false"}),
    )
    file = forms.FileField(label=_("or a file"), required=False)
    scope = forms.ChoiceField(
        label=_("It is"),
        required=False,
        choices=[
            ("whole", _("the whole configuration, as export_config writes it: what it does not name is deleted")),
            ("part", _("a part of it: its rows replace those of the same names, whole, and all others stay")),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, catalog: Catalog, keys: Iterable[str], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["category"].choices = [("", "–"), *((name, name) for name in sorted(catalog.categories))]  # type: ignore[attr-defined]  # a ChoiceField
        known = list(keys)
        if known:
            self.fields["key"].choices = [("", _("any")), *((name, name) for name in known)]  # type: ignore[attr-defined]  # a ChoiceField
        else:
            del self.fields["key"]  # nobody's, or not for this reader to know
        sorts = [("", _("the model's own")), *((one.name, one.label) for one in STRATEGIES.values())]
        self.fields["sort"].choices = sorts  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("category"):
            said["model"] = f"router/{said['category']}"
        if not said.get("model") and "model" not in self.errors:
            self.add_error("model", _("Name a model, or choose a category."))
        file = said.get("file")
        too_large = _("This is larger than %(n)d MB.") % {"n": MOST_PROPOSED // 1024 // 1024}
        if len(said.get("proposed") or "") > MOST_PROPOSED:
            self.add_error("proposed", too_large)
        elif file is not None and file.size > MOST_PROPOSED:
            self.add_error("file", too_large)
        elif file is not None:
            said["proposed"] = file.read().decode("utf-8", "replace")
        return said


def body_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """What an application would send."""
    operation, text = said.get("operation") or "chat", said.get("prompt") or "Hello"
    body: dict[str, Any] = {"model": said["model"], "operation": operation}
    assert operation in DIALECTS
    if operation == "chat":
        body["messages"] = [{"role": "user", "content": text}]
        if said.get("tools"):
            body["tools"] = [TOOL]
    elif operation == "completions":
        body["prompt"] = text
    elif operation == "embeddings":
        body["input"] = text
    elif operation == "rerank":
        body |= {"query": text, "documents": [text]}
    if said.get("max_tokens") and operation in ("chat", "completions"):
        body["max_tokens"] = said["max_tokens"]
    return body


def headers_of(said: Mapping[str, Any]) -> dict[str, str]:
    """How it would be steered, as in WSGI."""
    headers = {
        f"HTTP_X_GATEWAY_{name.upper()}": said[name] for name in ("sort", "order", "only", "ignore") if said.get(name)
    }
    return headers | ({"HTTP_X_GATEWAY_FALLBACKS": "false"} if said.get("alone") else {})


def named_first(said: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that the request wants first, in lower case."""
    return tuple(name.strip().lower() for name in (said.get("order") or "").split(",") if name.strip())
