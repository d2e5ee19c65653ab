"""What operators are told: failures in sentences, progress as a bar or as lines."""

from __future__ import annotations

import io

from django.core.management.base import OutputWrapper

from providers.errors import CredentialRejected, ModelMissing, UpstreamTimeout
from providers.model_lists import NoList
from providers.progress import Progress
from providers.words import LONGEST, in_words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO) -> str:
    with Progress(OutputWrapper(out), 2) as progress:
        progress.step("first")
        progress.step("second")
    return out.getvalue()


def test_a_failure_is_a_sentence_with_its_status_and_the_vendors_words():
    assert in_words(CredentialRejected("Incorrect\nkey", status=401)) == "the key was rejected (401): Incorrect key"
    assert in_words(UpstreamTimeout("", phase="idle")) == "took too long"
    assert in_words(NoList("There is none.", status=404)) == "There is none."


def test_what_a_vendor_writes_can_neither_fill_nor_command_a_terminal():
    told = in_words(ModelMissing("\x1b[2Jgone\x07" + "x" * 1000, status=404))
    assert told.startswith("the provider does not know this (404): [2Jgonex")
    assert len(told) == LONGEST


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end():
    told = shown(Terminal())
    assert "[████████████············] 1/2" in told
    assert told.endswith("second\n[████████████████████████] 2/2\r\x1b[2K")


def test_elsewhere_each_step_is_a_line():
    assert shown(io.StringIO()) == "[1/2] first\n[2/2] second\n"
