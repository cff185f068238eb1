"""Every command of the README, of samples/ and of every --help runs as it stands."""

import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest

from sketchrnn.cli import main

ROOT = Path(__file__).parent.parent


def commands_of(text):
    """The commands of a text's sh blocks, without make, which is what runs this test."""
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).splitlines()
    return [line for line in lines if line and not line.startswith("make ")]


def examples_of(command):
    return re.findall(r"^  (sketchrnn .*)$", command.epilog or "", re.MULTILINE)


README = commands_of((ROOT / "README.md").read_text())
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


def run_all(commands, folder):
    for command in commands:
        options = {
            "cwd": folder,
            "text": True,
            "env": {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        }
        here = re.sub(r"(?<!-m )\bsketchrnn ", f"{folder}/bin/sketchrnn ", command)
        if command.startswith("sketchrnn serve"):
            serve_and_stop(here, options)
            continue
        result = subprocess.run(here, shell=True, capture_output=True, **options)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


def serve_and_stop(command, options):
    """What serves goes on until Ctrl-C: ask for the page, then stop it."""
    pytest.importorskip("fastapi")
    with subprocess.Popen(f"exec {command}", shell=True, stderr=subprocess.PIPE, **options) as running:
        try:
            line = running.stderr.readline()
            address = re.search(r"http://\S+", line)
            assert address, line
            with urllib.request.urlopen(address[0], timeout=20) as answer:
                assert b"sketchrnn" in answer.read()
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(20) in (0, 130), running.stderr.read()


@pytest.mark.parametrize("commands", [README, SAMPLES], ids=["README", "samples"])
def test_documents(commands, folder):
    assert commands
    run_all(commands, folder)


@pytest.mark.parametrize("command", [main, *main.commands.values()], ids=lambda command: command.name)
def test_help(command, folder):
    assert isinstance(command, click.Command)
    examples = examples_of(command)
    assert examples
    run_all(examples, folder)
