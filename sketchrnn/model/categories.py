"""Which category a name means; the same in web/engine/categories.js."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from functools import cache

from sketchrnn.errors import CategoryError

LOGGER = logging.getLogger(__name__)


def index_of_name(name: str, categories: Sequence[str]) -> int:
    """Return the index of the category that a name means.

    The name may be spelled in another way ("hotdog", "eiffel tower"), be a plural or a singular ("cats"), or a synonym
    ("kitten").

    Raises:
        CategoryError: no category has this name; the message suggests others.
    """
    if name in categories:
        return categories.index(name)
    known = {_folded(each): each for each in reversed(categories)}
    word = _folded(name)
    singular = word.removesuffix("s")
    for form in (word, f"{word}s", singular):
        if form in known:
            return categories.index(known[form])
    others = {word: category for word, category in synonyms().items() if category in categories}
    for form in (word, singular):
        if form in others:
            _log_once(name, others[form])
            return categories.index(others[form])
    import difflib  # here, as few runs need it

    close = difflib.get_close_matches(word, {**others, **known}, n=3, cutoff=0.5)
    nearest = dict.fromkeys(known.get(form) or others[form] for form in close)
    hint = f"; did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    raise CategoryError(f"unknown category {name!r}{hint} (`sketchrnn info` lists all {len(categories)})")


def _folded(name: str) -> str:
    """Return a name without capitals, spaces, hyphens, underscores and apostrophes, and without a leading "the"."""
    return re.sub(r"[\s_'’-]+", "", re.sub(r"^\s*the[\s_]+", "", name.lower()))


@cache
def _log_once(name: str, category: str) -> None:
    LOGGER.info(f"{name}: taken as {category}")


@cache
def synonyms() -> dict[str, str]:
    """Return other words for categories, from the file that the page and the JavaScript package use."""
    from importlib.resources import files  # here, as its import takes 4 ms

    text = (files("sketchrnn") / "web" / "engine" / "synonyms.js").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return words
