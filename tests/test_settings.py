"""Settings that describe themselves."""

from dataclasses import dataclass, fields
from typing import Any

import click
import pytest
from click.testing import CliRunner

from sketchrnn.cli import COMMANDS, main
from sketchrnn.cli.options import COMMON, setting_options
from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.picture import PictureSettings
from sketchrnn.formats.svg.style import RenderStyle
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.recognizer import RecognizerConfiguration
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.settings import PANELS, Settings, setting, settings_of
from sketchrnn.training.configuration import RecognizerTraining, TrainingConfiguration

DRAWN = (Request, Sampling, PictureSettings, RenderStyle)
TRAINED = (ModelConfiguration, TrainingConfiguration, RecognizerConfiguration, RecognizerTraining)
DRAWING = ("complete", "generate", "reconstruct", "interpolate", "arithmetic", "render", "guess")
TRAINING = ("train", "train-recognizer")


@dataclass(frozen=True)
class Example(Settings):
    share: float = setting(0.5, "Share.", above=0.0, maximum=1.0)
    count: int = setting(3, "Count.", minimum=1, also=(-1,))
    name: str | None = setting(None, "Name.", choices=("a", "b"))
    sizes: tuple[int, ...] = setting((1,), "Sizes.", type=int, many=True, minimum=1, below=4)
    other: int = 0


@pytest.mark.parametrize(
    ("name", "good", "bad", "expected"),
    [
        ("share", (1, 1.0, 1e-9), (0, 0.0, 1.1, float("nan"), True, "1"), "a number above 0 to 1"),
        ("count", (1, 10**9, -1), (0, 1.0, None, True), "-1, or a whole number from 1"),
        ("sizes", ((), (1, 3)), ((0,), (4,), 1, [1], ("1",)), "a tuple, each value a whole number from 1 below 4"),
        ("name", ("a", None), ("c", 3, ""), "one of a, b"),
    ],
)
def test_values_outside_the_range_are_refused(name, good, bad, expected):
    for value in good:
        assert getattr(Example(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ConfigurationError, match=f"^{name}: expected {expected}, found "):
            Example(**{name: value})


def command(name):
    return main.get_command(click.Context(main), name)


def test_every_field_but_containers_is_a_setting_with_a_group():
    for owner in DRAWN + TRAINED:
        described = {name: description for name, _, description in settings_of(owner)}
        missing = {field.name for field in fields(owner)} - described.keys()
        assert missing <= {"prefix", "sampling", "look"}
        for name, description in described.items():
            assert description.panel in PANELS, name
            assert len(description.help) <= 90, name
            assert description.help.endswith("."), name
            assert name in owner.__doc__, name
            if description.type in (int, float) and description.parse is None:
                assert description.minimum is not None or description.above is not None, name


def test_options_take_what_the_settings_take():
    options = {}
    for owner in DRAWN:
        for decorate, (name, default, description) in zip(setting_options(owner), settings_of(owner), strict=True):
            decorated: Any = decorate(lambda: None)
            option = decorated.__click_params__[0]
            options[name] = option
            assert option.default == default or not default
            assert option.panel == (COMMON if description.common else description.panel)
    run = CliRunner().invoke
    for name, text in (("temperature", "0"), ("temperature", "10"), ("top-p", "1")):
        assert run(main, ["generate", "--category", "pig", f"--{name}", text, "--max-points", "2"]).exit_code == 0
    for name, text in (("temperature", "11"), ("top-p", "0"), ("seed", "4294967296"), ("count", "0"), ("best-of", "x")):
        result = run(main, ["generate", "--category", "pig", f"--{name}", text])
        assert result.exit_code == 2
        assert f"'--{name}'" in result.stderr
        assert "expected" in result.stderr


@pytest.mark.parametrize("name", DRAWING + TRAINING)
def test_help_is_grouped_with_the_ten_most_used_first(name):
    text = CliRunner().invoke(main, [name, "--help"]).output
    headings = [line[:-1] for line in text.splitlines() if line and not line.startswith(" ") and line.endswith(":")]
    assert headings[0] == COMMON
    order = [*PANELS]
    assert [heading for heading in headings if heading in order] == sorted(
        (heading for heading in headings if heading in order), key=order.index
    )
    common = [one for one in command(name).params if getattr(one, "panel", None) == COMMON]
    assert len(common) <= 10
    if name in ("complete", "train"):
        assert len(common) == 10
    for option in command(name).params:
        if isinstance(option, click.Option) and "--help" not in option.opts:
            assert option.opts[-1] in text


def test_no_option_is_accepted_and_ignored():
    """Commands offer only the settings that they honor."""
    offered = {name: {one.name for one in command(name).params} for name in COMMANDS if name in DRAWING}
    assert not offered["guess"] & {field.name for field in fields(Sampling)}
    assert not offered["generate"] & {"scale", "pen", "arrange", "continue_from", "latent"}
    assert "guidance" in offered["reconstruct"] & offered["arithmetic"] & offered["interpolate"]
    assert not offered["render"] & {"temperature", "best_of", "guidance"}
