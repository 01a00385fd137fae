"""Pictures of numbers, as SVG made here: no script draws them, and each has a title and a description in words.

The shapes alone are SVG, stretched to whatever width there is; labels are HTML beside them, so that they stay readable
at any width. Colours are classes of the style sheet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 600.0, 160.0
_GAP = 0.22
"""The part of a step that is left free between two bars."""
_RADIUS = 2.0


@dataclass(frozen=True)
class Series:
    """One row of numbers under a *name*; *colour* is the name of its class, ``c1`` to ``c4``, ``bad``."""

    name: str
    colour: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """A picture with what stands round it: ticks from the top down, labels from left to right."""

    title: str
    svg: Markup
    ticks: tuple[str, ...]
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    steps: tuple[str, ...]
    """What each step is called: the first column of the table that says the same."""
    show: Callable[[float], str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(value for series in self.series for value in series.values)


def stacked_bars(
    title: str,
    about: str,
    series: Sequence[Series],
    steps: Sequence[str],
    show: Callable[[float], str] = "{:,.0f}".format,
) -> Chart:
    """Return bars of *series*, one upon the other, for each of the *steps*."""
    totals = [sum(values) for values in zip(*(each.values for each in series), strict=True)]
    top = nice_top(max(totals, default=0.0))
    drawing = _Drawing(title, about)
    wide = WIDTH / max(1, len(steps))
    for index, step in enumerate(steps):
        if not totals[index]:
            continue
        words = ", ".join(f"{each.name} {show(each.values[index])}" for each in series if each.values[index])
        group = drawing.group(f"{step}: {words}")
        below = 0.0
        for each in series:
            high = each.values[index] / top * HEIGHT
            if high:
                left, bottom = index * wide + wide * _GAP / 2, HEIGHT - below
                drawing.rectangle(group, each.colour, left, bottom - high, wide * (1 - _GAP), high)
                below += high
        # What a pointer finds is the whole step, not the thin bar alone.
        drawing.rectangle(group, "reach", index * wide, 0, wide, HEIGHT)
    return Chart(title, drawing.markup, _ticks(top, show), _labels(steps), tuple(series), tuple(steps), show)


def lines(
    title: str, about: str, series: Sequence[Series], steps: Sequence[str], show: Callable[[float], str]
) -> Chart:
    """Return a line for each of *series*, on a logarithmic scale: what is fast and what is slow are both seen.

    Steps whose value is 0 have no point, and a line goes from point to point.
    """
    bottom, top = powers_round([value for each in series for value in each.values if value])
    drawing = _Drawing(title, about)
    wide = WIDTH / max(1, len(steps))
    for each in series:
        points = [
            ((index + 0.5) * wide, HEIGHT - HEIGHT * (math.log10(value) - bottom) / (top - bottom))
            for index, value in enumerate(each.values)
            if value
        ]
        drawing.line(each.colour, points)
    for index, step in enumerate(steps):
        words = ", ".join(f"{each.name} {show(each.values[index])}" for each in series if each.values[index])
        if words:
            drawing.rectangle(drawing.group(f"{step}: {words}"), "reach", index * wide, 0, wide, HEIGHT)
    ticks = tuple(show(10.0**power) for power in (top, (top + bottom) / 2, bottom))
    return Chart(title, drawing.markup, ticks, _labels(steps), tuple(series), tuple(steps), show)


def spark(about: str, values: Sequence[float]) -> Markup:
    """Return a small picture of how *values* went, to stand in a line of text."""
    drawing = _Drawing(about, "", wide=120.0, high=24.0)
    top, wide = max(values, default=0.0) or 1.0, 120.0 / max(1, len(values))
    for index, value in enumerate(values):
        high = value / top * 24.0
        if high:
            drawing.rectangle(drawing.root, "c1", index * wide + wide * 0.1, 24.0 - high, wide * 0.8, high)
    return drawing.markup


def latency_strip(about: str, p50: float, p95: float, slowest: float) -> Markup:
    """Return where *p50* and *p95* lie on a logarithmic scale of 1 ms to *slowest*, to stand in a line of text."""
    drawing = _Drawing(about, "", wide=120.0, high=12.0)
    drawing.rectangle(drawing.root, "track", 0, 5, 120, 2)
    left, right = (_on_scale(value, slowest) * 112 for value in (p50, p95))
    drawing.rectangle(drawing.root, "c2 soft", left, 3, max(2.0, right - left + 8), 6)
    drawing.rectangle(drawing.root, "c2", left, 1, 4, 10)
    return drawing.markup


def dots(title: str, about: str, rows: Sequence[tuple[str, Sequence[tuple[float, str]]]]) -> Markup:
    """Return points on a line for each of *rows*: a colour, and for each point where it is (0 to 1) and what it is."""
    high = 26.0 * len(rows)
    drawing = _Drawing(title, about, high=high)
    for index, (colour, points) in enumerate(rows):
        middle = 26.0 * index + 13.0
        drawing.rectangle(drawing.root, "track", 0, middle - 0.5, WIDTH, 1)
        for at, words in points:
            group = drawing.group(words)
            drawing.rectangle(group, colour, min(max(at, 0.0), 1.0) * (WIDTH - 6), middle - 7, 6, 14)
    return drawing.markup


def nice_top(highest: float) -> float:
    """Return the end of a scale that holds *highest*: 1, 2, 4, 5 or 8 times a power of ten, and four times a tick."""
    if highest <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(highest))
    return next((each * power for each in (1, 2, 4, 5, 8) if highest <= each * power), 10 * power)


def powers_round(values: Sequence[float]) -> tuple[int, int]:
    """Return two powers of ten that all *values* lie between, an even number of them apart."""
    if not values:
        return 0, 2
    bottom, top = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return bottom, top + (2 if top == bottom else (top - bottom) % 2)


def _ticks(top: float, show: Callable[[float], str]) -> tuple[str, ...]:
    return tuple(show(top * part) for part in (1, 0.5, 0))


def _labels(steps: Sequence[str]) -> tuple[str, ...]:
    """Return four of the names of *steps*, evenly apart."""
    if len(steps) <= 4:
        return tuple(steps)
    return tuple(steps[round(index * (len(steps) - 1) / 3)] for index in range(4))


def _on_scale(milliseconds: float, slowest: float) -> float:
    return min(1.0, math.log10(max(1.0, milliseconds)) / math.log10(max(10.0, slowest)))


class _Drawing:
    """An SVG with a title and a description; texts are escaped as they are written out."""

    _numbers = count(1)

    def __init__(self, title: str, about: str, *, wide: float = WIDTH, high: float = HEIGHT) -> None:
        self.root = Element(
            "svg",
            {"viewBox": f"0 0 {wide:g} {high:g}", "preserveAspectRatio": "none", "role": "img", "class": "drawing"},
        )
        name = f"drawing-{next(self._numbers)}"
        self.root.set("aria-labelledby", f"{name} {name}-about" if about else name)
        SubElement(self.root, "title", {"id": name}).text = printable(title)
        if about:
            SubElement(self.root, "desc", {"id": f"{name}-about"}).text = printable(about)

    @property
    def markup(self) -> Markup:
        return Markup(tostring(self.root, encoding="unicode"))  # noqa: S704 # ElementTree has escaped every text in it

    def group(self, title: str) -> Element:
        """Return a group that a pointer is told the *title* of."""
        group = SubElement(self.root, "g")
        SubElement(group, "title").text = printable(title)
        return group

    def rectangle(self, parent: Element, colour: str, left: float, top: float, wide: float, high: float) -> None:
        shape = {"x": left, "y": top, "width": wide, "height": high, "rx": min(_RADIUS, wide / 3, high / 3)}
        SubElement(parent, "rect", {"class": colour} | {name: f"{value:.2f}" for name, value in shape.items()})

    def line(self, colour: str, points: Sequence[tuple[float, float]]) -> None:
        if not points:
            return
        told = {"class": f"line {colour}", "vector-effect": "non-scaling-stroke"}
        # A line of one point has no length: drawn to itself with round ends it is a dot.
        ends = [*points, points[-1]] if len(points) == 1 else points
        SubElement(self.root, "polyline", told | {"points": " ".join(f"{x:.2f},{y:.2f}" for x, y in ends)})
