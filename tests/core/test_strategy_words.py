"""Every strategy has words for the admin, and they say what its docstring says."""

from __future__ import annotations

from routing.strategies import STRATEGIES
from routing.words import strategy_words


def test_every_strategy_has_a_short_name_and_its_docstrings_words():
    for name, strategy in STRATEGIES.items():
        short, long = strategy_words(name)
        assert str(long) == strategy.label
        assert 0 < len(str(short)) <= 12
