"""Arguments that are currencies: what an amount is of, and what it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.embedded.slots.place_slots import PlaceSlots
from dynamic_plugins.embedded.values.currency_values import BESIDE_NUMBER

if TYPE_CHECKING:
    from dynamic_plugins.embedded.values.parameters import Parameter
    from dynamic_plugins.embedded.values.typed_values import Value

_TARGETS = frozenset({"to", "target", "quote", "destination", "dest", "into", "symbols", "symbol"})


class CurrencySlots(PlaceSlots):
    """Fills currencies."""

    def _currency(self, p: Parameter) -> None:
        source, target = self._exchanged()
        value = target if _TARGETS.intersection(p.words) else source
        if value is not None and (not p.choices or value.value in p.choices):
            self.give(p.name, value.value, (value.start, value.end))

    def _exchanged(self) -> tuple[Value | None, Value | None]:
        """Return what is exchanged and for what: an amount is of the first, "in dollars" names the second."""
        found = self.message.values.of("currency")
        amounts = [value for value in found if value.unit == BESIDE_NUMBER]
        kinds = list(dict.fromkeys(value.value for value in found))
        if len(kinds) == 1 and not amounts:
            before = self.message.text[: found[0].start].rstrip().rpartition(" ")[2].lower()
            return (None, found[0]) if before in _BECOMES else (found[0], None)
        if not amounts and self.message.values.of("number"):
            return None, found[-1] if found else None  # the amount is of something that is not known
        source = amounts[0] if amounts else next(iter(found), None)
        target = next((value for value in found if source is not None and value.value != source.value), None)
        return source, target


_BECOMES = frozenset({"to", "into", "in", "nach", "zu", "en", "a", "à", "para", "em", "na"})
