"""Keywords as people write them: one a line, and behind it, after two spaces, its weight where that is not 1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from providers.models import LONGEST_TEXT, MOST_TEXTS

_LINE = re.compile(r"^(?P<keyword>.*\S)(?: {2,}|\s*\t\s*)(?P<weight>-?\d+(?:[.,]\d+)?)$")

Weights = dict[str, float]


def written(keywords: Sequence[str], weights: Mapping[str, float]) -> str:
    """The lines of the editor."""
    folded = {keyword.casefold(): weight for keyword, weight in weights.items()}
    return "\n".join(_line(keyword, weights.get(keyword, folded.get(keyword.casefold()))) for keyword in keywords)


def read(text: str) -> tuple[list[str], Weights]:
    """What was written: keywords in their order, and the weights of those that have one."""
    keywords: list[str] = []
    weights: Weights = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _LINE.match(line)
        keyword = found["keyword"] if found else line
        if found:
            weight = float(found["weight"].replace(",", "."))
            weights[keyword] = int(weight) if weight.is_integer() else weight
        keywords.append(keyword)
    return keywords, weights


class KeywordsField(forms.CharField):
    """Stored keywords and weights in one box. Its value are the keywords; ``KeywordsForm`` keeps the weights."""

    def __init__(self, **kwargs: Any) -> None:
        box = UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false", "class": "rt-keywords"})
        super().__init__(**{"required": False, "widget": box, **kwargs})

    def to_python(self, value: Any) -> Any:
        keywords, weights = read(str(value or ""))
        if len(keywords) > MOST_TEXTS:
            raise ValidationError(_("At most 1000 keywords; these are %(n)d.") % {"n": len(keywords)})
        for keyword in keywords:
            if len(keyword) > LONGEST_TEXT:
                raise ValidationError(_("“%(keyword)s…” is longer than 200 characters.") % {"keyword": keyword[:40]})
        if not all(map(isfinite, weights.values())):
            raise ValidationError(_("A weight must be a number such as 2.5."))
        return keywords

    def has_changed(self, initial: Any, data: Any) -> bool:
        return read(str(initial or "")) != read(str(data or ""))


class KeywordsForm(forms.ModelForm):
    keywords = KeywordsField(
        label=_("Keywords"),
        strip=False,
        help_text=_(
            "Words and phrases that speak for this category, one a line, e.g. stack trace. Behind two spaces a weight "
            "where it is not 1, e.g. “traceback  2.5” counts two and a half times. Weights below 1 are hints: "
            "they count only where they add up to 1."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "keywords" in self.fields:
            row = self.instance
            self.initial["keywords"] = written(row.keywords, row.weights)
            one, many = (ngettext("%(n)d keyword", "%(n)d keywords", n) for n in (1, 2))
            weighted = gettext("%(counted)s, %(w)d with a weight of their own")
            told = {"data-one": one, "data-many": many, "data-weighted": weighted}
            rows = min(max(len(row.keywords) + 3, 8), 24)
            self.fields["keywords"].widget.attrs |= {**told, "rows": rows}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "keywords" in self.changed_data and "keywords" in cleaned:
            _keywords, weights = read(self.data.get(self.add_prefix("keywords"), ""))
            shown = {keyword.casefold() for keyword in self.instance.keywords}
            unseen = {name: said for name, said in self.instance.weights.items() if name.casefold() not in shown}
            self.instance.weights = {**unseen, **weights}
        return cleaned


def _line(keyword: str, weight: float | None) -> str:
    if weight is None or weight == 1:
        return keyword
    figure = f"{weight:.9f}".rstrip("0").removesuffix(".")
    return f"{keyword}  {figure}"
