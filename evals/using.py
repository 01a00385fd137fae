"""How well active plugins are used: the turns of dialogues that use them, and those that must not.

    python -m evals.using --tools tools.json [--misses N] [--act 0.5] FILE[:FROM[-TO]] …

Before each turn the conversation is as it should have gone. A turn is right when the best proposal is exactly a good
answer and its probability is at least *act*; asked when it is a good answer but less probable, or lacks something and
asks for it; harm is a changing call that is in no good answer. For turns that only talk or manage plugins *stirred*
counts those for which something was proposed that would be done.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.call_proposals import Proposal, propose
from evals.using_turns import Call, Offers, Turn, dialogue_turns, lines

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_right(turn: Turn, calls: Sequence[tuple[str, dict[str, Any]]]) -> bool:
    """Whether *calls* are one of the good answers to *turn*."""
    made = [_as_call(turn, name, arguments) for name, arguments in calls]
    return any(same(answer, made) for answer in turn.answers if answer)


def _as_call(turn: Turn, name: str, arguments: dict[str, Any]) -> Call:
    plugin, action = turn.names[name]
    return {"tool": "use", "plugin": plugin, "action": action, "args": arguments}


def same(wanted: Sequence[Call], made: Sequence[Call]) -> bool:
    """Whether the calls *made* are those that are *wanted*, in any order."""
    if len(wanted) != len(made):
        return False
    left = list(made)
    for call in wanted:
        fitting = next((other for other in left if fits(call, other)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True


def fits(want: Call, got: Call) -> bool:
    """Whether *got* is the call that is wanted; further arguments are left to the schema, which has been checked."""
    if want["tool"] == "list_available_plugins":
        return bool(got["tool"] == want["tool"])
    if any(want.get(key) != got.get(key) for key in ("tool", "plugin", "action")):
        return False
    asked, have = (_settings(call.get("args") or {}) for call in (want, got))
    return all(name in have and (value is None or plain(value) == plain(have[name])) for name, value in asked.items())


def _settings(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that a call gives by their names; the arguments of any other call as they are."""
    told = arguments.get("configuration", arguments.get("settings"))  # single messages call them so
    if isinstance(told, list):
        return {each["name"]: each["value"] for each in told}
    return told if isinstance(told, dict) else arguments


def plain(value: Any) -> Any:
    """Return *value* as answers are compared: without case, outer white space and a closing full stop."""
    if isinstance(value, str):
        try:
            return (
                plain(json.loads(value))
                if value.strip()[:1] in ("[", "{")
                else value.strip().rstrip(".").strip().casefold()
            )
        except ValueError:
            return value.strip().casefold()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bool):
        return str(value).casefold()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def judge(turn: Turn, proposals: Sequence[Proposal], act: float | None = None) -> str:
    """Return what became of *turn*: right, asked, harm, wrong, silent; or calm and stirred where "
    "nothing is to be used."""
    best = proposals[0] if proposals else None
    acts = best is not None and (best.acts if act is None else best.probability >= act and not best.missing)
    good = best is not None and is_right(turn, best.calls)
    if turn.kind != "use":
        return "calm" if not acts or good else "harm" if best is not None and _harms(turn, best) else "stirred"
    if best is None:
        return "silent"
    if acts:
        return "right" if good else "harm" if _harms(turn, best) else "wrong"
    if good or (best.missing and [] in turn.accept):
        return "asked"
    return "silent"


def _harms(turn: Turn, proposal: Proposal) -> bool:
    calls = [_as_call(turn, name, arguments) for name, arguments in proposal.calls]
    return proposal.changing and any(
        not any(fits(w, call) for answer in turn.answers for w in answer) for call in calls
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="FILE, or FILE:FROM-TO for some of its dialogues")
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--act", type=float, help="act from this probability on, whatever the call does")
    parser.add_argument("--misses", type=int, default=0)
    options = parser.parse_args()
    offers = Offers(json.loads(options.tools.read_text(encoding="utf-8")))
    for file in options.files:
        turns = list(dialogue_turns(part_of(file), offers))
        began, seen, shown = time.process_time(), Counter[tuple[str, str]](), 0
        for turn in turns:
            proposals = propose(turn.said, turn.exchanges, turn.tools)
            outcome = judge(turn, proposals, options.act)
            seen[turn.kind, outcome] += 1
            if outcome not in ("right", "calm") and shown < options.misses:
                shown += 1
                _show(turn, proposals, outcome)
        spent = time.process_time() - began
        _report(file, turns, seen, spent)


def part_of(file: str) -> list[Any]:
    """Return the dialogues of FILE, or of FILE:FROM-TO those from FROM up to, and without, TO."""
    path, _, span = file.partition(":")
    first, _, last = span.partition("-")
    return lines(Path(path))[int(first or 0) : int(last) if last else None]


def _show(turn: Turn, proposals: Sequence[Proposal], outcome: str) -> None:
    want = [
        f"{c.get('action') or c['tool']} {json.dumps(c.get('args') or {}, ensure_ascii=False)}" for c in turn.expect
    ]
    print(f"{outcome:8} {turn.id} {turn.said[:160]!r}\n    want {'; '.join(want)[:260]}")
    for proposal in proposals[:2]:
        calls = "; ".join(f"{name} {json.dumps(arguments, ensure_ascii=False)}" for name, arguments in proposal.calls)
        print(f"    {proposal.probability:.2f} {calls[:260]} {' '.join('?' + name for name in proposal.missing)}")


def _report(file: str, turns: Sequence[Turn], seen: Counter[tuple[str, str]], spent: float) -> None:
    uses = sum(n for (kind, _), n in seen.items() if kind == "use")
    share = {what: seen["use", what] / max(uses, 1) for what in ("right", "asked", "harm", "wrong", "silent")}
    print(f"{file}: {uses} uses, " + ", ".join(f"{what} {value:.3f}" for what, value in share.items()))
    for kind in ("talk", "manage"):
        n = sum(count for (k, _), count in seen.items() if k == kind)
        print(f"  {kind}: {n}, stirred {seen[kind, 'stirred']}, harm {seen[kind, 'harm']}")
    print(f"  {1000 * spent / max(len(turns), 1):.0f} ms of processor time a turn")


if __name__ == "__main__":
    main()
