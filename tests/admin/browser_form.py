"""What a browser would post from a page, read from its HTML: the fields of the change form as they stand."""

from __future__ import annotations

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.fields: dict[str, list[str]] = {}
        self.textarea = ""
        self.select = ""

    def handle_starttag(self, tag, attrs):
        got = dict(attrs)
        if tag == "form":
            self.inside = got.get("id") == self.form_id
        name = got.get("name") or ""
        if not self.inside or "__prefix__" in name:
            return
        if tag == "input" and name and got.get("type") not in ("submit", "button"):
            if got.get("type") not in ("checkbox", "radio") or "checked" in got:
                self.fields.setdefault(name, []).append(got.get("value") or ("on" if "checked" in got else ""))
        elif tag == "textarea" and name:
            self.textarea = name
            self.fields[name] = [""]
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in got:
            self.fields.setdefault(self.select, []).append(got.get("value") or "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "textarea":
            self.textarea = ""
        elif tag == "select":
            self.select = ""

    def handle_data(self, data):
        if self.textarea:
            self.fields[self.textarea][0] += data


def fields_of(response, form_id: str) -> dict[str, list[str]]:
    """{name: values} of the form with ``form_id`` (``publicmodel_form``), the empty row for new inlines left out."""
    parser = _Fields(form_id)
    parser.feed(response.content.decode())
    assert parser.fields, f"no form {form_id} in the page"
    # browsers drop the line break that a textarea begins with
    return {name: [value.removeprefix("\n").removeprefix("\r\n") for value in values]
            for name, values in parser.fields.items()}  # fmt: skip
