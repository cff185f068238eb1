"""Every command of the README, of samples/ and of every --help runs as it stands."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest
from builders import checkpoint_of, network_of, small_model
from click.testing import CliRunner
from http_server import serving
from web import PATIENCE

from sketchrnn.cli import COMMANDS, main
from sketchrnn.files import CACHE_VARIABLE
from sketchrnn.model.magenta import export_magenta

ROOT = Path(__file__).parent.parent


def commands_of(text):
    """The commands of a text's sh blocks, without make, which is what runs this test."""
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).splitlines()
    return [line for line in lines if line and not line.startswith("make ")]


def examples_of(command):
    return re.findall(r"^  (sketchrnn .*)$", command.epilog or "", re.MULTILINE)


def pictures_of(text):
    """The commands of the pictures and the sh blocks of a page of the documentation, without its programs."""
    blocks = re.findall(r"^```(?:\{picture\} \S+|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks if "sketchrnn" in block for line in _joined(_without_options(block))]


def _without_options(block):
    return "\n".join(line for line in block.splitlines() if not line.startswith(":"))


def _joined(block):
    return [] if block.startswith("import") else block.replace("\\\n", " ").splitlines()


PAGES = sorted((ROOT / "docs").glob("*.md"))
README = {
    text.splitlines()[0]: commands_of(text)
    for text in re.split(r"\n##+ ", (ROOT / "README.md").read_text())
    if commands_of(text)
}
"""The README's commands, by section."""
TRAINED = README["Train"][:2]
"""What makes cats.ndjson and cats.safetensors, on which later sections go on."""
SAMPLES = commands_of((ROOT / "samples" / "README.md").read_text())


@pytest.fixture
def folder(tmp_path):
    """An empty folder with samples/ in it, in which the examples run, and a ``sketchrnn`` that is this one."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    shutil.rmtree(tmp_path / "samples" / "gallery", ignore_errors=True)
    (tmp_path / "samples" / "gallery").mkdir()
    (tmp_path / "bin").mkdir()
    launcher = tmp_path / "bin" / "sketchrnn"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sketchrnn "$@"\n')
    launcher.chmod(0o755)
    shutil.copy(ROOT / "cli.py", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, bucket):
    """A folder with what the first commands of "Train" make, from which other sections go on."""
    folder = tmp_path_factory.mktemp("trained")
    for command in TRAINED:
        run_here(command, folder, bucket)
    return folder


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """Stands in for Google's models, of which download-model's examples fetch one."""
    network = network_of(small_model(variational=False, mixtures=20, categories=("bird",)))
    with serving({"/models/bird.gen.json": export_magenta(checkpoint_of(network), "gen").content}) as served:
        yield served


NEEDS_A_SHELL = re.compile(r"[|<>&;$]|^sketchrnn serve")


def run_all(commands, folder, bucket):
    """Run commands in a folder.

    A plain ``sketchrnn`` command runs in this process, by click's runner, with the arguments that a shell would pass.
    The other commands run in a shell: pipes and redirections, ``serve``, ``python cli.py`` and torchrun. They show that
    the installed command starts.
    """
    for command in commands:
        plain = command.startswith("sketchrnn ") and not NEEDS_A_SHELL.search(command)
        (run_here if plain else run_in_shell)(command, folder, bucket)


def environment(folder, bucket):
    return {CACHE_VARIABLE: str(folder / "cache"), "SKETCHRNN_MODELS": bucket.url}


def run_here(command, folder, bucket):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        arguments = [
            argument
            for word in shlex.split(command)[1:]
            for argument in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        result = CliRunner().invoke(main, arguments, env=environment(folder, bucket), prog_name="sketchrnn")
    assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception!r}"


def run_in_shell(command, folder, bucket):
    options = {
        "cwd": folder,
        "text": True,
        "env": {
            **os.environ,  # the drawings are only the same with the same kernels of BLAS, which variables can choose
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            **environment(folder, bucket),
        },
    }
    here = re.sub(r"(?<!-m )\bsketchrnn ", f"{folder}/bin/sketchrnn ", command)
    if command.startswith("sketchrnn serve"):
        serve_and_stop(here, options)  # tests/conftest.py has taken the default port
        return
    result = subprocess.run(here, shell=True, capture_output=True, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


def serve_and_stop(command, options):
    """What serves goes on until Ctrl-C: ask for the page, then stop it."""
    with subprocess.Popen(f"exec {command}", shell=True, stderr=subprocess.PIPE, **options) as running:
        try:
            lines = iter(running.stderr.readline, "")
            address = next(filter(None, (re.search(r"http://\S+", line) for line in lines)), None)
            assert address
            with urllib.request.urlopen(address[0], timeout=PATIENCE) as answer:
                assert b"sketchrnn" in answer.read()
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) in (0, 130), running.stderr.read()


def test_samples(folder, bucket):
    assert SAMPLES
    run_all(SAMPLES, folder, bucket)


@pytest.mark.parametrize("section", README)
def test_readme(section, folder, bucket, trained):
    commands = README[section]
    if section != "Train" and any("cats." in command for command in commands):
        shutil.copytree(trained, folder, dirs_exist_ok=True)
    run_all(commands, folder, bucket)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_documentation(page, folder, bucket):
    run_all(pictures_of(page.read_text()), folder, bucket)


@pytest.mark.parametrize("program", re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S))
def test_programs(program, folder):
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "command",
    [main, *(main.get_command(click.Context(main), name) for name in COMMANDS)],
    ids=lambda command: command.name,
)
def test_help(command, folder, bucket):
    assert isinstance(command, click.Command)
    examples = examples_of(command)
    assert examples
    run_all(examples, folder, bucket)
