"""What is taken out of a text before it is stored: keys, e-mail addresses, card numbers, IBANs, and patterns of the
site's own. ◇ no framework.

Every rule takes a time that grows with the text and no faster: ours are bounded in each repetition, and the site's own
are run by RE2, which has no backtracking. Card numbers must pass Luhn's check, and IBANs their country's length and
their own (ISO 13616), so that other figures stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Rule = Callable[[str], tuple[str, int]]

OWN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
MOST_OWN = 50
LONGEST_OWN = 500

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|\beyJ[\w-]{5,4096}\.[\w-]{5,4096}\.[\w-]{0,4096}"
    r"|\b(?:sk|pk|rk|ak|gsk|xai|hf|key|token|secret|pplx|csk|api|glpat|dop|shpat)[-_][A-Za-z0-9_-]{16,512}"
    r"|\b(?:gh[pousr]|github_pat)_\w{20,255}|\bAIza[\w-]{30,60}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bxox[abeprs]-[\w-]{10,250}"
)
_NAMED = re.compile(
    r"(?i)(\bbearer\s{1,5}|\b(?:[\w-]{0,32}(?:api[_-]?key|secret|token)|passwd|password|pwd)\b[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?!\[)([^\s\"',;<>(){}]{6,4096})"
)
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ \u00a0.-]?\d){12,}")
_SPLIT = re.compile(r"[ \u00a0.-]")
_IBAN = re.compile(r"(?i)\b[A-Z]{2}\d{2}(?=[ ]?[A-Z0-9])")
_IBAN_REST = re.compile(r"(?i)(?:[ ]?[A-Z0-9]){1,34}")
# Letters and digits of an IBAN, by country (SWIFT's registry).
_IBAN_LENGTHS = {
    length: set(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA",
        23: "AE GI IL IQ TL OM SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
}
_LENGTH_OF = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries}


@dataclass(frozen=True, slots=True)
class Redactor:
    """``redacted(text)``: the text without what the rules take out, and how much that was."""

    rules: tuple[Rule, ...]

    def redacted(self, text: str) -> tuple[str, int]:
        count = 0
        for rule in self.rules:
            text, found = rule(text)
            count += found
        return text, count


def redactor(said: str) -> Redactor:
    """From words separated by spaces or line breaks: names of our rules, and ``name=pattern`` in RE2's syntax.

    "" means all of ours, ``none`` none. Raises ValueError with what was expected.
    """
    words = said.split() or list(RULES)
    if words == ["none"]:
        return Redactor(())
    own = [word for word in words if "=" in word]
    for word in words:
        if word not in own and word.rstrip(",") not in RULES:
            raise ValueError(f"one of {', '.join(RULES)}, none, or name=pattern was expected at “{word[:20]}”")
    if len(own) > MOST_OWN:
        raise ValueError(f"at most {MOST_OWN} patterns may be given")
    ours = [RULES[word.rstrip(",")] for word in words if word not in own]
    return Redactor((*(_own(*word.split("=", 1)) for word in own), *ours))


def _own(name: str, pattern: str) -> Rule:
    import re2  # only where the site has patterns of its own

    if not OWN_NAME.fullmatch(name):
        raise ValueError("a pattern's name is of small letters and digits, as in ticket=TCK-[0-9]{6}")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern[: LONGEST_OWN + 1], options)
    except re2.error as error:
        raise ValueError(f"the pattern of “{name}” is none that RE2 knows: {_reason(error)}") from error
    if not pattern or len(pattern) > LONGEST_OWN or compiled.fullmatch(""):
        raise ValueError(f"the pattern of “{name}” must have 1 to {LONGEST_OWN} characters, and not match nothing")

    def rule(text: str) -> tuple[str, int]:
        done: tuple[str, int] = compiled.subn(lambda found: f"[{name}]" if found.group() else "", text)
        return done

    return rule


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else "it cannot be read"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _keys(text: str) -> tuple[str, int]:
    text, first = _SECRETS.subn("[key]", text)
    text, second = _NAMED.subn(lambda found: f"{found[1]}[key]", text)
    return text, first + second


def _emails(text: str) -> tuple[str, int]:
    return _EMAIL.subn("[email]", text) if "@" in text else (text, 0)


def _cards(text: str) -> tuple[str, int]:
    spans = [span for run in _DIGITS.finditer(text) for span in _cards_in(run[0], run.start())]
    return _without(text, spans, "[card]")


def _cards_in(run: str, start: int) -> Iterator[tuple[int, int]]:
    """Where groups of digits within ``run`` make 13 to 19 that pass Luhn's check."""
    groups = [(found.start(), found.end()) for found in re.finditer(r"\d+", run)]
    first = 0
    while first < len(groups):
        digits, taken = "", 0
        for last in range(first, min(first + 19, len(groups))):
            digits += run[slice(*groups[last])]
            if len(digits) > 19:
                break
            if len(digits) >= 13 and _luhn(digits):
                taken = last + 1
        if taken:
            yield start + groups[first][0], start + groups[taken - 1][1]
        first = taken or first + 1


def _luhn(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    doubled = (2 * value - 9 * (value > 4) for value in values[1::2])
    return len(set(digits)) > 1 and (sum(values[::2]) + sum(doubled)) % 10 == 0


def _ibans(text: str) -> tuple[str, int]:
    return _without(text, [span for found in _IBAN.finditer(text) if (span := _iban_at(text, found))], "[iban]")


def _iban_at(text: str, head: re.Match[str]) -> tuple[int, int] | None:
    length = _LENGTH_OF.get(head[0][:2].upper(), 0)
    rest = _IBAN_REST.match(text, head.end())
    letters, end = head[0], head.end()
    for letter in rest[0] if rest and length else "":
        if len(letters) == length:
            break
        end += 1
        letters += letter.strip()
    if len(letters) != length or not letters.isascii() or text[end : end + 1].isalnum():
        return None
    turned = (letters[4:] + letters[:4]).upper()
    return (head.start(), end) if int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1 else None


def _without(text: str, spans: Sequence[tuple[int, int]], note: str) -> tuple[str, int]:
    parts, at = [], 0
    for start, end in spans:
        if start >= at:
            parts += [text[at:start], note]
            at = end
    return "".join([*parts, text[at:]]), len(parts) // 2


RULES: dict[str, Rule] = {"keys": _keys, "emails": _emails, "cards": _cards, "ibans": _ibans}
