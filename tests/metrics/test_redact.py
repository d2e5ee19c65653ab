import time

import pytest

from metrics.redact import redactor

ALL = redactor("")
IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("my key is sk-proj-abcdefghijklmnop0123", "my key is [key]"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer [key]"),
        ('{"api_key": "abcdef123456"}', '{"api_key": "[key]"}'),
        ("OPENAI_API_KEY=abcdef123456 make", "OPENAI_API_KEY=[key] make"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_1", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- rest", "[key] rest"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[key]"),
        ("write to ann.bell+x@mail.example.org, please", "write to [email], please"),
        ("4111 1111 1111 1111", "[card]"),
        ("4111-1111-1111-1111.", "[card]."),
        ("no. 12 4111111111111111 ok", "no. 12 [card] ok"),
        ("378282246310005", "[card]"),
        (f"to {IBAN} by MONDAY", "to [iban] by MONDAY"),
        ("fr1420041010050500013m02606", "[iban]"),
        ("NL91ABNA0417164300.", "[iban]."),
    ],
)
def test_what_should_not_be_kept_is_taken_out(text: str, redacted: str) -> None:
    assert ALL.redacted(text) == (redacted, 1)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "1700000000000",
        "0000000000000000",
        "DE88 3704 0044 0532 0130 00",
        "The token limit is 4096, the secret of it: none",
        "a@b",
        "skeleton-key and task_list",
        "π≈3.14159265358979",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert ALL.redacted(text) == (text, 0)


def test_several_are_counted() -> None:
    assert ALL.redacted("a@b.example c@d.example 4111111111111111") == ("[email] [email] [card]", 3)


def test_rules_are_chosen_and_added_to() -> None:
    rules = redactor("emails ticket=TCK-[0-9]{6}\nplace=(?i)atlantis")
    assert rules.redacted("TCK-123456 Atlantis a@b.example 4111111111111111") == (
        "[ticket] [place] [email] 4111111111111111",
        3,
    )
    assert redactor("none").redacted("a@b.example") == ("a@b.example", 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("phones", "one of keys, emails, cards, ibans, none, or name=pattern"),
        ("x=(", "is none that RE2 knows"),
        ("x=(?=a)b", "is none that RE2 knows"),
        ("x=a*", "not match nothing"),
        ("X!=a", "a pattern's name is of small letters"),
        ("x=" + "a" * 501, "1 to 500 characters"),
        (" ".join(f"n{number}=a" for number in range(51)), "at most 50 patterns"),
    ],
)
def test_wrong_rules_say_what_was_expected(said: str, expected: str) -> None:
    with pytest.raises(ValueError, match=r"expected|RE2|nothing|name|characters|patterns") as raised:
        redactor(said)
    assert expected in str(raised.value)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1 ",
        "4111 ",
        "a.",
        "a@",
        "a@b.",
        "-----BEGIN PRIVATE KEY-----",
        "eyJaaaaaa.",
        "DE89 3",
        "api_key=",
        "sk-",
    ],
)
def test_no_text_takes_longer_than_its_length_explains(piece: str) -> None:
    rules = redactor("keys emails cards ibans own=(a+)+b")
    short, long = piece * (8_000 // len(piece)), piece * (64_000 // len(piece))

    def spent(text: str) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            rules.redacted(text)
            times.append(time.process_time() - began)
        return min(times)

    assert spent(long) < 24 * spent(short) + 0.05  # 8 times is linear, 64 times would be quadratic
