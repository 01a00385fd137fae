"""Words that stand for what was spoken of, and those that say which is meant."""

from __future__ import annotations

import re

SAYS_WHICH = re.compile(
    r"\b(?:the|that|this|an?|my|your)\s+(?!(?:same|only|other|last|latter|next|first|second|third|fourth|fifth|\d\w*)\b)"
    r"([\w-]+)\s+(?:one|thing)\b",
    re.I,
)
"""Of "the notepad one" the word before says which it is, and not what was spoken of last."""
PRONOUN = re.compile(
    r"\b(?:it|that(?: (?:one|thing|plugin))?|this(?: (?:one|thing|plugin))?|them|those|these"
    r"|the (?:same )?(?:plugin|thing)|one"
    r"|es|ihn|sie|das(?: ding)?|den|lo|la|ese|esa|eso|le|ça|celui-ci|celui-là|isso|esse|essa)\b",
    re.I,
)
"""What points at the thing or the plugin that was spoken of last."""
