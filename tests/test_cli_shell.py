"""What the command line has besides its commands: lazy loading, talk, defaults of a file, completion by the Tab key."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sketchrnn.cli import COMMANDS, main
from sketchrnn.cli.install import SHELLS

ROOT = Path(__file__).parent.parent
PIG = ROOT / "samples" / "pig.ndjson"
FAST = ("--max-points", 3)


@pytest.fixture(autouse=True)
def no_configuration(tmp_path, monkeypatch):
    """No user's own defaults, wherever the tests run."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SKETCHRNN_CONFIG", raising=False)


def run(*arguments, **options):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)


def command(name):
    return main.get_command(click.Context(main), name)


# lazy commands


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_call_themselves_what_the_list_says(name):
    first_sentence = " ".join(command(name).help.split("\n\n")[0].split())
    assert COMMANDS[name].split()[0] == first_sentence.split()[0]
    assert command(name).name == name


def test_help_imports_no_command():
    program = (
        "import sys; sys.argv = ['sketchrnn', '--help']\n"
        "from sketchrnn.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name in ('numpy', 'torch', 'sketchrnn.cli.training')])"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


def test_help_says_the_exit_codes_and_where_defaults_are():
    text = run("--help").stdout
    for part in ("Exit codes:", "config.toml", "- is standard input", "Examples:"):
        assert part in text


def test_near_misses_are_named():
    result = run("complet")
    assert result.exit_code == 2
    assert "Did you mean complete?" in result.stderr
    assert "Commands: complete, generate" in run("zzz").stderr


# talk


def test_quiet_and_verbose_stand_before_or_behind_the_command(tmp_path):
    for number, (before, behind, lines) in enumerate(
        [((), (), 1), (("-q",), (), 0), ((), ("--quiet",), 0), (("-v",), (), 2), ((), ("--verbose",), 2)]
    ):
        result = run(*before, "render", PIG, "-o", tmp_path / f"{number}.svg", *behind)
        assert result.exit_code == 0
        assert (tmp_path / f"{number}.svg").exists()
        assert min(len(result.stderr.splitlines()), 2) == lines, result.stderr


def test_errors_are_said_even_quietly():
    result = run("-q", "render", "missing.json")
    assert result.exit_code == 1
    assert result.stderr == "Error: missing.json: cannot be read: no such file or directory\n"


@pytest.mark.skipif(not shutil.which("script"), reason="script(1) makes the terminal")
@pytest.mark.parametrize(
    ("environment", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colors_only_on_a_terminal(environment, colored):
    line = f"{sys.executable} -m sketchrnn render missing.json"
    result = subprocess.run(
        ["script", "-qec", line, "/dev/null"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "", "PYTHONPATH": str(ROOT), **environment},
    )
    assert b"Error:" in result.stdout
    assert (b"\x1b[" in result.stdout) is colored
    piped = subprocess.run(line.split(), capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert b"\x1b" not in piped.stderr


# the configuration file


def configured(tmp_path, text, *arguments):
    path = tmp_path / "c.toml"
    path.write_text(text)
    return run("--config", path, *arguments)


def seeds(result):
    return [line for line in result.stdout.splitlines() if "seed" in line]


def test_defaults_come_from_the_file_and_the_command_line_overrides(tmp_path):
    text = 'category = "cat"\ncount = 2\n[generate]\nmax_points = 3\nformat = "ndjson"\n'
    lines = configured(tmp_path, text, "generate").stdout.splitlines()
    assert [json.loads(line)["word"] for line in lines] == ["cat", "cat"]
    lines = configured(tmp_path, text, "generate", "-n", 1, "--category", "pig").stdout.splitlines()
    assert [json.loads(line)["word"] for line in lines] == ["pig"]


def test_the_usual_place_and_the_environment(tmp_path, monkeypatch):
    usual = tmp_path / "config" / "sketchrnn" / "config.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text('category = "cat"\nformat = "ndjson"')
    assert json.loads(run("generate", *FAST).stdout)["word"] == "cat"
    other = tmp_path / "other.toml"
    other.write_text('category = "pig"\nformat = "ndjson"')
    monkeypatch.setenv("SKETCHRNN_CONFIG", str(other))
    assert json.loads(run("generate", *FAST).stdout)["word"] == "pig"


def test_what_other_commands_have_is_no_mistake(tmp_path):
    assert configured(tmp_path, "max-steps = 5\n[train]\nbatch-size = 3\n", "info").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temprature = 1", "temprature: no such option; did you mean temperature?"),
        ("[generate]\ncell_ = 3", "[generate] cell_: no such option"),
        ("[drawing]\nseed = 1", "[drawing] is not a command"),
        ('temperature = "hot"', "temperature: expected 0, or a number from 0.001 to 10, found 'hot'"),
        ("seed = -1", "seed: expected a whole number from 0 to 4294967295, found -1"),
        ("force = 3", "force: expected true or false, found 3"),
        ("seed = [1]", "seed: expected one value, found [1]"),
        ("seed = ", "expected TOML"),
        ("\x00", "expected TOML"),
    ],
)
def test_mistakes_in_the_file_are_said(tmp_path, text, message):
    result = configured(tmp_path, text, "generate", "--category", "pig")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {tmp_path / 'c.toml'}: ")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_named_must_be_there(tmp_path):
    result = run("--config", tmp_path / "none.toml", "info")
    assert result.exit_code == 1
    assert "none.toml: cannot be read: no such file" in result.stderr


# completion by the Tab key


def offered(*words):
    """What bash is offered after some words, the last of them unfinished."""
    environment = {"COMP_WORDS": " ".join(["sketchrnn", *words]), "COMP_CWORD": str(len(words))}
    result = run(env={**environment, "_SKETCHRNN_COMPLETE": "bash_complete"}, prog_name="sketchrnn")
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_commands_options_categories_and_models_are_offered(tmp_path, monkeypatch):
    assert offered("re") == ["render", "reconstruct"]
    assert "--temperature" in offered("complete", "--te")
    assert offered("complete", "--category", "alarm") == ["alarm_clock"]
    assert offered("generate", "--category", "the_e") == ["The_Eiffel_Tower"]
    assert offered("complete", "--format", "nd") == ["ndjson"]
    monkeypatch.chdir(tmp_path)
    for name in ("a.safetensors", "a.txt", "b.gen.json", ".hidden"):
        Path(name).touch()
    Path("folder").mkdir()
    assert offered("complete", "--model", "") == ["shipped", "a.safetensors", "b.gen.json", "folder/"]
    assert offered("info", "a") == offered("evaluate", "a") == ["a.safetensors"]
    assert offered("complete", "--model", "a.safetensors", "--category", "pi") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_what_the_shells_read(shell, tmp_path):
    script = run("shell-completion", shell, prog_name="sketchrnn").stdout
    assert "_SKETCHRNN_COMPLETE" in script
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script)
    assert subprocess.run([shell, "-n", str(path)], capture_output=True).returncode == 0


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_a_category(tmp_path):
    launcher = tmp_path / "sketchrnn"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m sketchrnn "$@"\n')
    launcher.chmod(0o755)
    program = """
eval "$(sketchrnn shell-completion bash)"
COMP_WORDS=(sketchrnn generate --category alarm); COMP_CWORD=3
_sketchrnn_completion sketchrnn; echo "${COMPREPLY[@]}"
"""
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = subprocess.run(["bash", "-c", program], capture_output=True, text=True, env=environment)
    assert result.stdout.strip() == "alarm_clock", result.stderr
