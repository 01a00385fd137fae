"""Sums in words: so many at so much, shares, parts of a whole, units that are asked for, and what leans on the last."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.request import Exchange, Made
from dynamic_plugins.embedded.values.extractors import extract
from tests.test_argument_filling import SUMS


def made(said: str, *before: Exchange) -> list[object]:
    """Return the sums that are proposed, the likeliest first."""
    return [one.calls[0][1].get("expression") for one in propose(said, list(before), SUMS)]


def summed(said: str, expression: str, result: str) -> Exchange:
    return Exchange(said, [Made("calc__calculate", {"expression": expression}, result)], result)


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("painting: 6.5 hours at 42 an hour plus 118.90 for the paint, what do I bill", "6.5*42+118.90"),
        ("9 Stunden zu 16,40 und 4 zu 24,60, was macht das zusammen?", "9*16.40+4*24.60"),
        ("cuánto es 7 cajas a 12,80 más 3 a 9,10", "7*12.80+3*9.10"),
        ("4 bouteilles à 8,90 et 2 à 15,50, ça fait combien ?", "4*8.90+2*15.50"),
        ("quanto fa 5 pizze a 9,50 più 6 birre a 5", "5*9.50+6*5"),
        ("22.5 kg of cod at 9.80 with 12% off, how much", "22.5*9.80*0.88"),
        ("how much is 7 yards at 18.20 less 15 percent discount", "7*18.20*0.85"),
        ("64% von 15,5 Kilo, wie viel?", "15.5*0.64"),
        ("could you work out 2,310.75 minus the 400 deposit", "2310.75-400"),
        ("415 out of 5230, what is that in percent?", "415/5230*100"),
        ("divide 680 by 16 please", "680/16"),
        ("17 members owe 42.50 each, what does that come to", "17*42.50"),
        ("14 drops 3.80 apiece", "14*3.80"),
        ("4 Karten je 18,50 pro Person", "4*18.50"),
        ("fares today 18.50 22 9.40 31 and 14 total pls", "18.50+22+9.40+31+14"),
        ("12.5% of the 420 goes to the chap who found it", "420*0.125"),
        ("multiplica 17 por 42,50", "17*42.50"),
        ("what % of 960 is 72", "72/960*100"),
        ("36 rolls at 85g each, how many kg", "36*85/1000"),
        ("840 km at 95 km/h how many hours", "840/95"),
        ("10 mg/kg, the dog is 23.6 kg, how much", "10*23.6"),
        ("rent 940, gas 88.20, water 41.50 split between 4, how much each", "(940+88.20+41.50)/4"),
        ("4 at 86 pounds each and 3 lamps at 19, how much", "4*86+3*19"),
        ("the bill is 92.60 plus 10% service split 4 ways, what's each", "92.60*1.1/4"),
        ("take 60 off 415, what is left", "415-60"),
        ("fees went from 880 to 946, what percent is that", "(946-880)/880*100"),
        ("I drove 510 miles on 44 litres how many miles per litre", "510/44"),
        ("8 mg per kg, she weighs 64 kg, how much", "8*64"),
        ("16 bars in a box, 9 boxes, how many", "16*9"),
        ("hoeveel is 5 keer 13,40 min 20%", "5*13.40*0.8"),
        ("a quarter of 92, what is it", "92/4"),
        ("750 g at 14 a kilo, how much", "750/1000*14"),
        ("six boxes of 24 shared between 9 tables, how many each", "6*24/9"),
        ("so there's 7 of us n it all comes to 161.70 whats tht each", "161.70/7"),
        ("31.50 a head, 9 of us, whats the damage", "31.50*9"),
        ("22 kids, 6.50 each, plus 80 for the bus, how much do I collect", "22*6.50+80"),
        ("split 360 between 8", "360/8"),
        ("i've 4 hours at 38 and 25 quid of parts, what do i charge", "4*38+25"),
        ("on est 5, l'addition fait 140 euros, ça fait combien chacun", "140/5"),
        ("wir sind zu acht und es kostet 420 Euro, was zahlt jeder", "420/8"),
        (
            "all four locks, and they are forty one pound fifty a go and i charge thirty for turning up, altogether?",
            "4*41.50+30",
        ),
        ("every child pays nineteen euro fifty how much comes in from the sixteen", "16*19.50"),
        (
            "le voy a pedir cuatro a treinta y seis mil cada una y cinco mil quinientos el flete, en cuánto me sale",
            "4*36000+5500",
        ),
        ("three hundred and eight litres at one sixty two a litre, how much", "308*1.62"),
        ("twelve point five kilos at point two five milligrams per kilo how many milligrams", "12.5*0.25"),
    ],
)
def test_a_sum_in_words_becomes_the_sum_that_it_says(said: str, expression: str) -> None:
    assert made(said)[0] == expression


@pytest.mark.parametrize(
    "said",
    ["put 3 milks and 2 breads on the list", "what's the forecast 3 days in Oban at 6", "wake me at 7 in 2 days"],
)
def test_numbers_that_nothing_joins_are_no_sum(said: str) -> None:
    assert not extract(said).of("expression")


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("half of that", "1200/2"),
        ("double it please", "1200*2"),
        ("and 12% for breakages comes off that", "1200*0.88"),
        ("now take 30% off that", "1200*0.7"),
        ("split that between 5", "1200/5"),
        ("x 7 boxes. sorry 6", "1200*6"),
        ("in Gläser zu 0,25", "1200/0.25"),
        ("8 percent of that", "1200*0.08"),
    ],
)
def test_a_sum_goes_on_as_it_is_said(said: str, expression: str) -> None:
    assert made(said, summed("2400/2", "2400/2", "1200"))[0] == expression


def test_a_rate_that_nobody_told_is_not_made_up() -> None:
    before = summed("300 + 90", "300+90", "390")
    assert made("and with vat on top", before) == [None]
    told = Exchange("our vat is 19% by the way", [], "Noted.")
    assert made("and with vat on top", told, before)[0] == "390*1.19"


@pytest.mark.parametrize(
    ("asked", "before", "said", "after"),
    [
        ("lost 310 g from 4100, in %?", "310/4100*100", "and if it was 280", "280/4100*100"),
        ("65% d'eau sur 9 kg", "9*0.65", "et à 70 ?", "9*0.7"),
        ("1840*27.5", "1840*27.5", "og hvis prisen er 24?", "1840*24"),
        ("90 kilo mal 12", "90*12", "und bei 84 kilo?", "84*12"),
        ("40 doors at 129 minus 15%", "40*129*0.85", "and at 10%?", "40*129*0.9"),
        ("70*0.4+55*0.6", "70*0.4+55*0.6", "with 62 instead of 55", "70*0.4+62*0.6"),
    ],
)
def test_a_number_that_is_said_anew_takes_the_place_of_its_like(asked: str, before: str, said: str, after: str) -> None:
    assert made(said, summed(asked, before, "1"))[0] == after


@pytest.mark.parametrize(
    ("text", "number"), [("1,250 sheets", 1250), ("9'484 francs", 9484), ("1.250,50 euro", 1250.5), ("2,40 kg", 2.4)]
)
def test_thousands_and_decimals_are_told_apart(text: str, number: float) -> None:
    assert extract(text).of("number")[0].value == number


@pytest.mark.parametrize(
    ("said", "expression"),
    [("und davon 15 Prozent?", "1240*0.15"), ("davon 15 Prozent weg", "1240*0.85"), ("15% of that", "1240*0.15")],
)
def test_a_share_of_the_last_result_is_no_more_and_no_less_of_it(said: str, expression: str) -> None:
    call = Made("calc__calculate", {"expression": "4*310"}, {"ok": True, "result": "1240"})
    best = propose(said, [Exchange("was ist 4 mal 310", [call], "1240")], SUMS)[0]
    assert best.calls == (("calc__calculate", {"expression": expression}),)
