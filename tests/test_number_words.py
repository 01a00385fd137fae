"""Numbers that people write in words, in several languages."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.values.number_words import spoken_numbers


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("six hundred and twelve litres", [612]),
        ("four hundred fifty", [450]),
        ("room three zero nine", [309]),
        ("since nineteen fifty", [1950]),
        ("a hundred for two dozen one pound jars", [100, 24]),
        ("half a dozen", [6]),
        ("fourteen point five kilos at point one five", [14.5, 0.15]),
        ("zweiundvierzig von hundertzwanzig", [42, 120]),
        ("zweitausenddreihundert", [2300]),
        ("vingt et un, quatre-vingts, deux cent quatre-vingt-dix", [21, 80, 290]),
        ("soixante-dix-neuf et soixante et onze", [79, 71]),
        ("tres a cuarenta y dos mil cada una", [3, 42000]),
        ("veintiocho o seis mil quinientos", [28, 6500]),
        ("centoventi, quarantadue, duemila", [120, 42, 2000]),
        ("vinte e cinco e cento e vinte", [25, 120]),
        ("honderdvijftig, vierentwintig", [150, 24]),
        ("iki ya da kırk", [2, 40]),  # noqa: RUF001 # as it is written
        ("двадцать пять", [25]),
        ("two and three", [2, 3]),
        ("seventeen per cent", [17]),
        ("the first one, and that one", []),
        ("860 mil by a metre", []),
    ],
)
def test_number_words_are_the_numbers_that_they_say(said: str, numbers: list[float]) -> None:
    assert [number.value for number in spoken_numbers(said)] == numbers
