"""Pieces of drawings: as ``Markup.format`` makes them, words harmless."""

from decimal import Decimal

import pytest
from markupsafe import Markup

from dashboard.charts.form import Form

MARKUP = Markup('<rect x="{:.2f}" y="{}" class="{}">{}</rect>')


@pytest.mark.parametrize("number", [3, 0.5, Decimal("1.25"), True])
@pytest.mark.parametrize("word", ["plain", '<b title="&">{0}', Markup("<b>{}</b>"), None])
def test_a_form_says_what_markup_would(number, word):
    """Numbers by their format, words escaped once, markup as it is; braces in a word are no places."""
    made = Form(str(MARKUP)).format(number, number, "a'b", word)
    assert made == MARKUP.format(number, number, "a'b", word)
    assert isinstance(made, Markup)


def test_places_have_numbers_too():
    """One value in two places."""
    assert Form("<i>{0}{1:.1f}{0}</i>").format("<", 2) == "<i>&lt;2.0&lt;</i>"
