"""Options that several commands share, made from the descriptions of the library's settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from sketchrnn.cli.drawings import Target
from sketchrnn.errors import ConfigurationError, SketchRNNError
from sketchrnn.formats.picture import KINDS, PictureSettings
from sketchrnn.formats.svg.style import Page, RenderStyle
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.settings import FILES, LOOK, MACHINE, OUTPUT, PANELS, Setting, settings_of

COMMON = "Most used"
"""First group of ``--help``."""
SHIPPED_HELP = "the model that ships with sketchrnn"
MODEL_SUFFIXES = (".safetensors", ".gen.json", ".vae.json")
Command = Callable[..., None]


def complete_category(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Return the model's categories that begin with the typed text, with underscores, so that they need no quotes."""
    from sketchrnn.model.loading import load_model

    try:
        names = load_model(context.params.get("model"), prefixes=()).configuration.categories
    except SketchRNNError:
        return []
    wanted = typed.lower().replace(" ", "_")
    return [name for name in (name.replace(" ", "_") for name in names) if name.lower().startswith(wanted)]


def complete_model(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Return the models and folders whose paths begin with the typed text."""
    folder = Path(typed).parent if not typed.endswith("/") else Path(typed)
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() or path.name.endswith(MODEL_SUFFIXES))
    except OSError:
        found = []
    items = [
        "shipped",
        *(f"{path}/" if path.is_dir() else str(path) for path in found if not path.name.startswith(".")),
    ]
    return [item for item in items if item.startswith(typed)]


class PanelOption(click.Option):
    """An option that ``--help`` shows in a group."""

    def __init__(self, *arguments: Any, panel: str = "", common: bool = False, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.panel = COMMON if common else panel


class OutputOption(PanelOption):
    """An option that names an output file; its name must end in one of the suffixes, if there are any."""

    def __init__(self, *arguments: Any, suffixes: tuple[str, ...] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.suffixes = suffixes


class PanelCommand(click.Command):
    """A command whose ``--help`` shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups, the most used options first."""
        panels: dict[str, list[tuple[str, str]]] = {name: [] for name in (COMMON, *PANELS, "Other")}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                panels[getattr(parameter, "panel", "") or "Other"].append(record)
        for name, records in panels.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class SettingType(click.ParamType):  # type: ignore[type-arg]  # generic in click 8.4 and later only
    """The values of a setting."""

    def __init__(self, name: str, setting: Setting) -> None:
        self.name = {int: "integer", float: "number"}.get(setting.type or str, "text")
        self._setting, self._field = setting, name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Turn text into a value, and check it."""
        try:
            if isinstance(value, str) or (self._setting.parse is not None and isinstance(value, int | float)):
                return self._setting.from_text(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)
        if self._setting.parse is None and not self._setting.accepts(value):
            self.fail(f"expected {self._setting.expected}, found {value!r}", param, ctx)
        return value


def setting_option(name: str, default: Any, setting: Setting, **changes: Any) -> Callable[[Command], Command]:
    """Return the option of a setting."""
    flags = setting.flags or (f"--{name.replace('_', '-')}",)
    text = setting.help
    if default is None and setting.default_text:
        text += f"  [default: {setting.default_text}]"
    kind: dict[str, Any] = {"type": SettingType(name, setting)}
    if setting.type is bool:
        kind = {"is_flag": True}
    elif setting.many:
        kind = {"multiple": True, "type": setting.type}
    elif setting.choices:
        kind = {"type": click.Choice(setting.choices)}
    description = {
        "cls": PanelOption,
        "default": default,
        "show_default": default is not None and default is not False and default != (),
        "help": text,
        "panel": setting.panel,
        "common": setting.common,
        "metavar": setting.metavar,
        **kind,
    }
    return click.option(*flags, name, **{**description, **changes})


def setting_options(owner: type, *names: str) -> Iterator[Callable[[Command], Command]]:
    """Return the options of some settings of a dataclass, by default of all, in the order of its fields."""
    for name, default, setting in settings_of(owner):
        if not names or name in names:
            changes = {"shell_complete": complete_category} if name == "category" else {}
            yield setting_option(name, default, setting, **changes)


def gathered(
    owners: tuple[type, ...], options: list[Callable[[Command], Command]], result: str
) -> Callable[[Command], Command]:
    """Return a decorator that gives a command options, and passes their values as one dict.

    Args:
        owners: dataclasses whose fields go into the dict.
        options: of the command.
        result: name of the command's parameter.
    """
    names = {name for owner in owners for name, *_ in settings_of(owner)}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_dict(**values: Any) -> None:
            found = {name: values.pop(name) for name in names & values.keys()}
            command(**{result: found}, **values)

        wrapped: Command = with_dict
        for add in reversed(options):
            wrapped = add(wrapped)
        return wrapped

    return decorate


def request(*without: str) -> Callable[[Command], Command]:
    """Give a command the options of a request and its sampling, except some; it gets them as ``settings``."""
    options = [
        *setting_options(Request, *(name for name, *_ in settings_of(Request) if name not in without)),
        *setting_options(Sampling, *(name for name, *_ in settings_of(Sampling) if name not in without)),
    ]
    return gathered((Request, Sampling), options, "settings")


def option(*flags: str, cls: type[PanelOption] = PanelOption, **description: Any) -> Callable[[Command], Command]:
    """Return an option that ``--help`` shows in a group: ``panel``, or the first one if it is ``common``."""
    return click.option(*flags, cls=cls, **description)


model = option(
    "--model",
    metavar="FILE",
    shell_complete=complete_model,
    panel=FILES,
    common=True,
    help=f"Use this checkpoint, or a model by Google (.gen.json, .vae.json).  [default: {SHIPPED_HELP}]",
)
force = option("--force", is_flag=True, panel=FILES, common=True, help="Overwrite existing files.")
as_json = option("--json", "as_json", is_flag=True, panel=OUTPUT, help="Print everything as JSON.")
index = option(
    "--index", type=click.IntRange(0), panel=FILES, help="Use only the record with this index, counted from 0."
)
key_id = option("--key-id", metavar="ID", panel=FILES, help="Use only the record with this key_id.")
precision = click.option(
    "--precision",
    type=click.Choice(["float16", "int8"]),
    default="int8",
    show_default=True,
    help="Format of the weights: int8 = half the size; float16 = same drawings as with the CLI.",
)
device = option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    panel=MACHINE,
    common=True,
    help="Device to compute on; auto = a GPU if there is one.",
)


def output(help: str, *suffixes: str, required: bool = True) -> Callable[[Command], Command]:
    """Return the option ``--output`` of a command that writes one file."""
    described = {"metavar": "FILE", "required": required, "panel": FILES, "common": True, "help": help}
    return option("-o", "--output", cls=OutputOption, suffixes=suffixes, **described)


checkpoint_output = output("Write the checkpoint to this file (.safetensors).", ".safetensors")


def mirror(variable: str) -> Callable[[Command], Command]:
    """Return the option ``--base`` for another server than Google's, which an environment variable can also set."""
    text = f"Download from this mirror.  [default: Google's; env: {variable}]"
    return option("--base", metavar="ADDRESS", envvar=variable, help=text)


def one_record(command: Command) -> Command:
    """Give a command the options that select one record of a file."""
    return index(key_id(command))


def target(command: Command) -> Command:
    """Give a command the options of its output and its look; it gets them as one ``target``."""

    @functools.wraps(command)
    def with_target(*, picture: dict[str, Any], **values: Any) -> None:
        names = ("output", "output_format", "force", "open")
        target = Target.of(
            _picture_settings(picture, values.pop("landscape")), **{name: values.pop(name) for name in names}
        )
        command(target=target, **values)

    options: list[Callable[[Command], Command]] = [
        option(
            "-o",
            "--output",
            cls=OutputOption,
            metavar="FILE",
            default="-",
            show_default=True,
            panel=OUTPUT,
            common=True,
            help="Write to this file; %d in the name = one file per drawing; - = standard output.",
        ),
        option(
            "--format",
            "output_format",
            type=click.Choice(KINDS),
            panel=OUTPUT,
            common=True,
            help="Write a picture, or records (ndjson, json).  [default: from the file's name, else svg]",
        ),
        force,
        *setting_options(PictureSettings),
        *setting_options(RenderStyle),
        option("--landscape", is_flag=True, panel=LOOK, help="Turn the page so that its longer side is horizontal."),
        option("--open", "open", is_flag=True, panel=OUTPUT, help="Open the result in its default program."),
    ]
    return gathered((PictureSettings, RenderStyle), options, "picture")(with_target)


def _picture_settings(values: dict[str, Any], landscape: bool) -> PictureSettings:
    looks = {name: values.pop(name) for name, *_ in settings_of(RenderStyle)}
    if landscape:
        page = looks["page"]
        if page is None:
            raise click.UsageError("--landscape needs --page")
        looks["page"] = Page(max(page.width, page.height), min(page.width, page.height))
    return PictureSettings(look=RenderStyle(**looks), **values)
