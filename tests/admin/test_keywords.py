"""Keywords and their weights in one box: what is written is what is kept."""

from __future__ import annotations

import pytest

from routing.admin.keywords import read, written
from routing.models import Category
from tests.admin.browser_form import fields_of


@pytest.mark.parametrize(
    ("line", "keyword", "weight"),
    [
        ("traceback  2.5", "traceback", 2.5),
        ("traceback\t2,5", "traceback", 2.5),
        ("stack trace   3", "stack trace", 3),
        ("python 3", "python 3", None),
        ("python 3  0.4", "python 3", 0.4),
        ("c++", "c++", None),
        ("  spaced  ", "spaced", None),
    ],
)
def test_a_line_is_a_keyword_and_behind_two_spaces_its_weight(line, keyword, weight):
    assert read(line) == ([keyword], {} if weight is None else {keyword: weight})


def test_what_is_shown_is_read_back_as_it_was():
    keywords, weights = ["refactor", "stack trace", "file", "Python 3"], {"refactor": 2, "file": 0.3, "python 3": 1.25}
    again, same = read(written(keywords, weights))
    assert again == keywords
    assert same == {"refactor": 2, "file": 0.3, "Python 3": 1.25}


@pytest.fixture
def law(db) -> Category:
    return Category.objects.create(name="law", keywords=["court", "judge"], weights={"court": 2, "unused": 0.5})


def saved(page, row, **changes) -> Category:
    url = f"/admin/routing/category/{row.pk}/change/"
    fields = fields_of(page.get(url), "category_form")
    assert page.post(url, {**fields, **changes}).status_code == 302
    return Category.objects.get(pk=row.pk)


def test_another_change_leaves_keywords_and_weights_alone(page, law):
    after = saved(page, law, description="x")
    assert (after.keywords, after.weights) == (law.keywords, law.weights)


def test_weights_are_changed_in_the_box(page, law):
    after = saved(page, law, keywords="court\njudge  3\nlawyer")
    assert after.keywords == ["court", "judge", "lawyer"]
    assert after.weights == {"judge": 3, "unused": 0.5}


def test_too_many_words_are_refused_with_their_number(page, law):
    url = f"/admin/routing/category/{law.pk}/change/"
    fields = fields_of(page.get(url), "category_form")
    shown = page.post(url, {**fields, "keywords": "\n".join(f"w{n}" for n in range(1001))}).content.decode()
    assert "At most 1000 keywords; these are 1001." in shown
