"""What a request is about: whole words of any script, weighed, the last turn first, at a bounded cost."""

from __future__ import annotations

import json
import random
import re
import timeit
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.build import Sources, build
from routing.classify import LONGEST, classify, compile_categories
from routing.resolve import NotFound, resolve

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "routing" / "migrations" / "frozen" / "0003.json"
PROMPTS = yaml.safe_load((HERE / "prompts.yaml").read_text())


def made(usable=None, **categories):
    rows = {name: row if isinstance(row, dict) else {"keywords": row} for name, row in categories.items()}
    return compile_categories(rows, rows.keys() if usable is None else usable)


def asked(*turns, **more):
    """A body whose user turns are ``turns``, with answers between them."""
    messages = [{"role": "system", "content": "You write Python code, proofs and poems."}]
    for turn in turns:
        messages += [{"role": "user", "content": turn}, {"role": "assistant", "content": "refactor, riddle, code"}]
    return {"messages": messages[:-1], **more}


def category(classifier, *turns, **more):
    return classify(classifier, asked(*turns, **more)).category


@pytest.fixture(scope="module")
def shipped():
    rows = {}
    for row in json.loads(SHIPPED.read_text())["categories"]:
        weights = {word: float(weight) for weight, words in row["keywords"].items() for word in words}
        rows[row["name"]] = {"keywords": list(weights), "weights": weights}
    return compile_categories(rows, rows)


@pytest.mark.parametrize(
    "text", ["How many eggs for 2 people?", "How much for 2?", "Plan a day in Paris, 2 hours each"]
)
def test_a_bare_number_is_no_mathematics(shipped, text):
    assert category(shipped, text) == "conversation"


@pytest.mark.parametrize("held_out", [False, True])
def test_nine_of_ten_prompts_are_understood(shipped, held_out):
    judged = [
        (category(shipped, text) == label, text)
        for label, prompts in PROMPTS.items()
        for place, (_language, text) in enumerate(prompts)
        if (place % 3 == 2) == held_out
    ]
    wrong = [text for right, text in judged if not right]
    assert len(wrong) <= len(judged) / 10, wrong


def test_a_request_with_tools_is_for_tools_where_there_is_such_a_category():
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    assert category(made(tools=[], code=["python"], conversation=[]), "python", tools=tools) == "tools"
    assert category(made(tools=[], code=["python"], conversation=[]), "python", tools=[]) == "code"
    assert category(made(code=["python"], conversation=[]), "python", tools=tools) == "code"
    off = {"enabled": False}
    assert category(made(tools=off, code=["python"], conversation=[]), "python", tools=tools) == "code"


TWO = made(code=["python", "class"], reasoning=["prove", "step by step"], conversation=[])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Some PYTHON please", "code"),
        ("a classical piece", "conversation"),
        ("subclass_of pythonic", "conversation"),
        ("(class)", "code"),
        ("Step-by-step, please", "reasoning"),
        ("step\n  by step", "reasoning"),
        ("step by. step", "conversation"),
        ("prove it in python", "conversation"),
        ("prove that this python class works", "code"),
        ("", "conversation"),
    ],
)
def test_keywords_are_whole_words_and_ties_are_conversation(text, expected):
    assert category(TWO, text) == expected


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("dérivée", "Calcule la DÉRIVÉE", True),
        ("dérivée", "calcule la derivee", True),
        ("derivee", "calcule la dérivée", True),
        ("erreur", "d'où vient l’erreur ?", True),
        ("straße", "STRASSE", True),
        ("c++", "I write C++.", True),
        ("c++", "I write C.", False),
        ("```", "Look:\n```js\nx\n```", True),
        ("ошибка", "Какая ОШИБКА?", True),
        ("код", "кодекс", False),
        ("कोड", "यह कोड देखो", True),
        ("कोड", "कोडिंग", False),
        ("代码", "请帮我写一段代码，谢谢", True),
        ("コード", "このコードを直してください", True),
        ("が", "か", False),
        ("เขียนโค้ด", "ช่วยเขียนโค้ดหน่อย", True),
        ("함수", "이 함수를 고쳐 줘", True),
        ("python", "用python写一个爬虫", True),
        ("python", "用pythonic写", False),
        ("python", "Ｐｙｔｈｏｎ", True),
    ],
)
def test_every_script_has_its_own_words(keyword, text, found):
    assert (category(made(code=[keyword], conversation=[]), text) == "code") is found


def test_the_last_turn_counts_most_and_earlier_ones_decide_where_it_says_nothing():
    assert category(TWO, "a python class", "now prove it") == "reasoning"
    assert category(TWO, "prove it", "python", "And now shorter, please") == "code"
    assert category(TWO, "python", "one", "two", "three") == "conversation"


def test_what_others_say_does_not_count():
    said = asked("Hello")
    said["messages"] += [{"role": "tool", "tool_call_id": "1", "content": "python class"}]
    said["messages"] += [{"role": "assistant", "content": None, "tool_calls": []}]
    assert classify(TWO, said).category == "conversation"


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "a python"}, {"type": "image_url", "image_url": {"url": "data:"}}],
        [{"type": "image_url"}, "python"],
        [{"type": "text", "text": "x " * LONGEST} for _ in range(100)] + [{"type": "text", "text": "in python"}],
    ],
)
def test_text_is_found_among_parts(content):
    assert category(TWO, content) == "code"


@pytest.mark.parametrize("content", [None, 7, {}, [], [7, None, {"type": "text"}, {"text": 3}]])
def test_content_that_is_no_text_says_nothing(content):
    found = classify(TWO, {"messages": [None, {"role": "user", "content": content}]})
    assert (found.category, found.score, found.matches) == ("conversation", 0.0, ())


def test_a_prompt_without_messages_is_one_turn():
    assert classify(TWO, {"prompt": "python"}).category == "code"
    assert classify(TWO, {}).category == "conversation"


def test_both_ends_of_a_long_turn_are_read_and_no_word_is_cut_in_two():
    filler = "lorem ipsum " * LONGEST
    assert category(TWO, f"python {filler}") == category(TWO, f"{filler} python") == "code"
    assert category(TWO, f"{filler} python {filler}") == "conversation"
    for shift in range(12):
        assert category(TWO, "x" * shift + " classical" * LONGEST) == "conversation"


def test_weights_count_and_a_keyword_counts_once_a_turn():
    row = {"keywords": ["Python", "file"], "weights": {"python": 2, "file": "much"}}
    found = classify(made(code=row, conversation=[]), asked("a python file", "python, python"))
    assert found.score == 2 + 0.1 * 3
    said = [(match.keyword, match.weight, match.turn, match.count) for match in found.matches]
    assert said == [("Python", 2, 0, 2), ("Python", 2, 1, 1), ("file", 1, 1, 1)]
    assert found.why == "code scores 2.3 by 'Python', 'file'"


def test_hints_need_company_and_together_weigh_no_more_than_one_keyword():
    words = ["file", "list", "loop", "row", "python"]
    hints = made(code={"keywords": words, "weights": dict.fromkeys(words[:4], 0.5)}, chat=["poem"], conversation=[])
    assert category(hints, "a file") == "conversation"
    assert category(hints, "a file, a list") == "code"
    assert category(hints, "a file", "a list") == "conversation"
    assert category(hints, "a poem of a file, a list, a loop and a row") == "conversation"
    assert category(hints, "a poem about a python and a file") == "code"


def test_a_category_that_nothing_can_answer_for_leaves_it_to_conversation():
    rows = {"code": ["python"], "tools": [], "conversation": []}
    found = classify(made(usable={"conversation"}, **rows), asked("python"))
    assert (found.category, found.score) == ("conversation", 1)
    assert found.why == "code scores 1 by 'python', but none of its endpoints can be used: conversation"
    tools = [{"type": "function", "function": {"name": "x"}}]
    assert category(made(usable={"conversation"}, **rows), "python", tools=tools) == "conversation"
    assert category(made(usable=(), **rows), "python") == "code"


def test_conversation_does_not_hold_on_to_words_that_another_category_claims():
    rows = {"conversation": {"keywords": ["poem", "tell me a story", "chat"], "weights": {"tell me a story": 2}}}
    assert category(made(**rows), "Tell me a story") == "conversation"
    creative = made(**rows, creative=["Story", "poem"])
    for text in ("Tell me a story", "A poem!"):
        assert category(creative, text) == "creative"
    assert category(creative, "Tell me a story in this chat, a chat") == "conversation", "they tie"
    hint = made(**rows, creative={"keywords": ["story"], "weights": {"story": 0.5}})
    assert classify(hint, asked("Tell me a story")).score == 2, "a hint claims nothing"


def test_without_conversation_only_what_is_said_is_chosen():
    only = made(code=["python"])
    assert category(only, "python") == "code"
    assert classify(only, asked("Hi")).why == "no keyword is said, and there is no conversation to fall back on"
    assert category(only, "Hi") == ""


LETTERS = st.text("abcdeéñüçωжз +", min_size=1, max_size=8).filter(lambda word: word.strip())
SPOKEN = st.lists(st.one_of(LETTERS, st.sampled_from(["alpha", "beta", "gamma ray", "c++"])), max_size=30)


@given(st.data(), SPOKEN)
def test_neither_the_order_of_keywords_nor_case_matters(data, spoken):
    words = [*data.draw(st.lists(LETTERS, max_size=8)), "alpha", "beta", "gamma ray", "c++"]
    weights = {word: data.draw(st.sampled_from([0.1, 0.3, 0.5, 0.7, 1, 1.5, 2])) for word in words}
    text = " ".join(spoken)

    def score(words, text):
        return classify(made(code={"keywords": words, "weights": weights}), asked(text)).score

    assert score(words, text) == score(words[::-1], text)
    assert score(words, text) == score([word.upper() for word in words], text) == score(words, text.upper())


@given(st.text("abcde", min_size=1, max_size=6), st.text("abcde ,.-\n", max_size=60))
def test_a_word_is_found_exactly_where_it_stands_alone(word, text):
    expected = len(re.findall(rf"\b{word}\b", text))
    matches = classify(made(code=[word]), asked(text)).matches
    assert sum(match.count for match in matches) == expected


@given(st.text("代码写函数吗 a", min_size=1, max_size=4).filter(lambda word: re.search("[代码写函数吗]", word.strip())),
       st.text("代码写函数吗 a", max_size=40))  # fmt: skip
def test_a_word_of_an_unspaced_script_is_found_wherever_it_stands(word, text):
    matches = classify(made(code=[word]), asked(text)).matches
    assert sum(match.count for match in matches) == text.count(word.strip())


@settings(max_examples=40)
@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["role", "content", "text", "type", "messages", "prompt", "user"]), inner)))  # fmt: skip
def test_no_body_is_too_strange(value):
    classify(TWO, {"messages": value, "prompt": value})
    classify(TWO, {"messages": [{"role": "user", "content": value}]})
    classify(TWO, value if isinstance(value, dict) else {})


def ratio(work, beside):
    """The best time of one by the best time of the other, taken in turns: what slows the machine slows both."""
    turns = [(timeit.timeit(work, number=3), timeit.timeit(beside, number=3)) for _ in range(15)]
    return min(mine for mine, _ in turns) / min(other for _, other in turns)


def random_text(size):
    letters = random.Random(7)
    words = ["".join(letters.choices("abcdefghijklmnop", k=letters.randint(2, 9))) for _ in range(size // 6)]
    return " ".join(words)[:size], words


def test_the_cost_is_bounded_by_neither_the_size_of_the_prompt_nor_the_number_of_keywords():
    """Beside the same work in the same run: 30 MB against the longest that is read; 2,000 keywords against 200; and
    2 kB against looking for 200 keywords one by one."""
    text, words = random_text(2000)
    few, many = made(code=words[:200]), made(code=random_text(14000)[1][:2000])
    body, long, huge = asked(text), asked("lorem ipsum " * (LONGEST // 12)), asked("lorem ipsum " * 2_600_000)
    assert ratio(lambda: classify(few, huge), lambda: classify(few, long)) < 5
    assert ratio(lambda: classify(many, body), lambda: classify(few, body)) < 5
    patterns = [re.compile(rf"\b{re.escape(word)}\b") for word in words[:200]]
    assert ratio(lambda: [pattern.findall(text) for pattern in patterns], lambda: classify(few, body)) > 3


def routed(**categories):
    endpoints = {name: {"provider": "one", "upstream_model": name} for name in categories}
    one = {"kind": "openai", "base_url": "https://one.example/v1", "keyless": True}
    rows = {name: {"entries": [{"endpoint": name}], **row} for name, row in categories.items()}
    return build(Sources({"version": 1, "providers": {"one": one}, "endpoints": endpoints, "categories": rows}))


@pytest.mark.parametrize("model", ["router", "auto", "router/router", "router/auto"])
def test_the_router_resolves_by_what_the_request_is_about_and_says_why(model):
    served = routed(code={"keywords": ["python"]}, conversation={})
    route = resolve(served, model, None, asked("python"))
    assert (route.category, route.how, route.requested) == ("code", "router", model)
    assert route.classification is not None
    assert (route.classification.category, route.classification.score) == ("code", 1)
    assert resolve(served, model, None, asked("Hi")).category == "conversation"


@pytest.mark.parametrize("model", ["code", "router/code"])
def test_a_category_by_name_is_not_questioned(model):
    served = routed(code={"keywords": ["python"]}, conversation={})
    route = resolve(served, model, None, asked("Hi"))
    assert (route.category, route.how, route.classification) == ("code", "category", None)


def test_a_disabled_category_is_not_chosen():
    served = routed(code={"keywords": ["python"], "enabled": False}, conversation={})
    assert resolve(served, "auto", None, asked("python")).category == "conversation"
    served = routed(code={"keywords": ["python"]}, conversation={"enabled": False})
    with pytest.raises(NotFound, match="the category 'conversation' is disabled"):
        resolve(served, "auto", None, asked("Hi"))
