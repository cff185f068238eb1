"""The style of the texts: what a program can check of it."""

import re
from pathlib import Path

import click
import pytest

from sketchrnn.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
OLD_WORDS = (
    *("anew", "thereby", "whereby", "wherein", "thereof", "hence", "whence", "lest", "whilst", "amongst", "nought"),
    *("told", "so many", "it is said", "say what", "for want of", "where there is none", "knows but one", "nobody"),
    *("needless", "stands? for", "goes on from", "given up", "followed no further"),
    *(r"\w*colou?red?ising", "colours?", "centred?", "centres", r"\w*millimetres?", "neighbours?", "behaviours?"),
    *("favou?rite", r"recognis\w+", r"optimis\w+", r"normalis\w+", r"initialis\w+", r"labelled", "grey"),
)
"""Old-fashioned words and constructions, and British spellings."""
TEXTS = sorted(
    path
    for pattern in (
        *("*.md", "docs/*.md", "docs/*.py", "data/*.md", "samples/*.md", "js/*.md", "js/*.ts"),
        *("sketchrnn/**/*.py", "sketchrnn/web/engine/*.js"),
    )
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # it lists old option names
)
WORDS = re.compile(rf"\b({'|'.join(OLD_WORDS)})\b", re.IGNORECASE)


def found_in(text):
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if WORDS.search(line)]


def test_the_search_finds_old_words():
    assert found_in("Say what\nwas told\nof color\nin Grey")[:2] == [(1, "Say what"), (2, "was told")]
    assert len(TEXTS) > 100


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_has_old_words(path):
    assert not found_in(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_one_short_sentence_of_help(name):
    command = main.get_command(click.Context(main), name)
    assert COMMANDS[name].endswith(".")
    assert command.get_short_help_str(200).endswith(".")
    for option in command.params:
        if isinstance(option, click.Option):
            sentence = (option.help or "").partition("  [")[0]
            assert sentence.endswith("."), option.name
            assert sentence[0].isupper() or sentence.startswith("pen:"), option.name
            assert len(sentence) <= 90, option.name
