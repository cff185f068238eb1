"""What holds for every command: messages, standard output, inputs and outputs, signals, a missing torch."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from builders import checkpoint_of, network_of, small_model
from click.testing import CliRunner
from http_server import serving
from test_dataset import keys, ndjson_file, scribble

from sketchrnn.cli import COMMANDS, main
from sketchrnn.model.checkpoint import save_checkpoint
from sketchrnn.model.magenta import export_magenta

ROOT = Path(__file__).parent.parent
TINY = ("--max-steps", 2, "--decoder-only", "--set", "decoder_units=8", "--set", "mixtures=2")
PREFIX = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<path d="M10 10L90 10L90 90" fill="none" stroke="black"/></svg>"""

PRINTING = {
    "complete": ["a.svg", "--model", "vae.safetensors", "--category", "cat"],
    "generate": ["--model", "vae.safetensors", "--category", "cat"],
    "guess": ["a.svg", "--model", "vae.safetensors"],
    "render": ["a.svg"],
    "reconstruct": ["a.svg", "--model", "vae.safetensors", "--category", "cat"],
    "interpolate": ["cat", "pig", "--model", "vae.safetensors"],
    "arithmetic": ["cat", "-", "pig", "+", "pig", "--model", "vae.safetensors"],
    "download": ["--list"],
    "stats": ["d.ndjson"],
    "evaluate": ["vae.safetensors", "d.ndjson", "--split", "all"],
    "info": ["vae.safetensors"],
    "export-page": ["vae.safetensors", "-o", "-"],
    "shell-completion": ["bash"],
}
"""Commands that write their result to standard output."""
WRITING: dict[str, Any] = {
    **{name: [*PRINTING[name], "-o", "new.svg"] for name in list(PRINTING)[:2] + list(PRINTING)[3:7]},
    "prepare": ["d.ndjson", "-o", "store"],
    "stats": ["d.ndjson", "--plot", "new.svg"],
    "train": ["d.ndjson", "-o", "new.safetensors", *TINY],
    "train-recognizer": ["vae.safetensors", "d.ndjson", "-o", "new.safetensors", "--steps", "1"],
    "import": ["m.gen.json", "-o", "new.safetensors"],
    "export": ["decoder.safetensors", "-o", "new.gen.json"],
    "export-page": ["vae.safetensors", "-o", "new.html"],
    "download": ["cat", "--to", "fetched"],
    "download-model": ["bird", "-o", "new.safetensors"],
}
"""Commands that write files."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.svg").write_text(PREFIX)
    ndjson_file(folder / "d.ndjson", [scribble(seed) for seed in range(30)], keys=keys(30), word="cat")
    save_checkpoint(
        checkpoint_of(network_of(small_model(latent_dropout=0.5, categories=("cat", "pig")))),
        folder / "vae.safetensors",
    )
    decoder = checkpoint_of(network_of(small_model(variational=False, mixtures=20, categories=("bird",)), spread=0.1))
    save_checkpoint(decoder, folder / "decoder.safetensors")
    (folder / "m.gen.json").write_bytes(export_magenta(decoder, "gen").content)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def run(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SKETCHRNN_CACHE", str(tmp_path / ".cache"))
    for name, content in files.items():
        Path(name).write_bytes(content)

    def call(*arguments, code=0):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return call


@pytest.fixture
def served(files, monkeypatch):
    addresses = {"/full/simplified/cat.ndjson": files["d.ndjson"]}
    addresses |= {f"/{size}models/bird.gen.json": files["m.gen.json"] for size in ("", "large_")}
    with serving(addresses) as server:
        monkeypatch.setenv("SKETCHRNN_QUICKDRAW", server.url)
        monkeypatch.setenv("SKETCHRNN_MODELS", server.url)
        yield server


def test_the_lists_name_every_command():
    assert {*PRINTING, *WRITING, "serve", "install-inkscape-extension"} == set(COMMANDS)


@pytest.mark.parametrize("name", WRITING)
def test_quiet_commands_print_nothing(run, served, name):
    before = set(Path().iterdir())
    result = run(name, *WRITING[name], "-q")
    assert result.stderr == ""
    assert set(Path().iterdir()) > before
    assert not result.stdout or name == "stats"


@pytest.mark.parametrize("name", PRINTING)
def test_quiet_commands_print_their_result_only(run, name):
    assert run("-q", name, *PRINTING[name]).stderr == ""


def written_to(target, arguments, monkeypatch):
    """Run a command with a file as its standard output; return its exit code and messages."""
    messages = io.StringIO()
    with target.open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", messages)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    return ended.value.code, messages.getvalue().splitlines()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", ["--version", *COMMANDS])
def test_a_full_disk_is_said_in_one_line(run, monkeypatch, name):
    for arguments in ([name, "--help"], [name, *PRINTING.get(name, ["--help"])]):
        code, lines = written_to(Path("/dev/full"), arguments, monkeypatch)
        assert code == 1
        assert lines[-1] == "Error: standard output: cannot be written: no space left on device"
        assert not [line for line in lines if "Traceback" in line]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size")
@pytest.mark.parametrize("name", WRITING)
def test_a_file_on_a_full_disk_is_named_and_nothing_is_left(run, served, name):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        result = CliRunner().invoke(main, [name, *map(str, WRITING[name])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 1, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert re.search(r"^Error: \S+: cannot be written: .*$", result.stderr.splitlines()[-1])
    left = [path for path in Path().rglob("*") if path.is_file() and not str(path).startswith(".cache")]
    assert {path: path.read_bytes() for path in left if not path.name.startswith(".")} == before


@pytest.mark.skipif(os.name == "nt", reason="sh starts the commands")
@pytest.mark.parametrize(
    ("redirection", "said"),
    [(">&-", "bad file descriptor"), ("> /dev/full", "no space left on device"), ("| true", "broken pipe")],
)
def test_a_program_with_no_standard_output_ends_with_one_line(run, redirection, said):
    line = f"(sleep 0.5; {sys.executable} -m sketchrnn info vae.safetensors; echo rc=$? >&2) {redirection}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment)
    assert result.stderr == f"Error: standard output: cannot be written: {said}\nrc=1\n"


@pytest.mark.parametrize("name", [name for name in WRITING if name not in ("prepare", "download")])
@pytest.mark.parametrize("suffix", [".pdf", ".jpg", ".npz", ".dxf"])
def test_unknown_suffixes_are_refused_with_the_known_ones(run, name, suffix):
    if (name, suffix) == ("stats", ".pdf"):
        return
    before = {path: path.read_bytes() for path in Path().iterdir()}
    arguments = [re.sub(r"^new\..*", f"new{suffix}", str(argument)) for argument in WRITING[name]]
    result = CliRunner().invoke(main, [name, *arguments])
    assert result.exit_code in (1, 2)
    known = re.sub(r"^new", "", next(one for one in WRITING[name] if str(one).startswith("new")))
    assert known in result.stderr
    assert f"new{suffix}" in result.stderr
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, [*PRINTING[name], "-o", "a.svg"]) for name in ("complete", "render", "reconstruct")),
        ("complete", ["a.svg", "--model", "vae.safetensors", "--category", "cat", "-o", "%d.svg"]),
        ("interpolate", ["a.svg", "linked.svg", "--model", "vae.safetensors", "--category", "cat", "-o", "linked.svg"]),
        ("arithmetic", ["a.svg", "-", "a.svg:0", "+", "cat", "--model", "vae.safetensors", "-o", "a.svg"]),
        ("generate", ["--model", "vae.safetensors", "--category", "cat", "-o", "vae.safetensors"]),
        ("stats", ["a.svg", "--plot", "a.svg"]),
        ("stats", [".", "--plot", "plot.svg"]),
        ("train", ["d.ndjson", "-o", "d.ndjson", *TINY]),
        ("train", ["d.safetensors", "-o", "d.safetensors", *TINY]),
        ("train", ["new.log.jsonl", "-o", "new.safetensors", *TINY]),
        ("train", ["new.sheets", "-o", "new.safetensors", *TINY]),
        ("train", ["d.ndjson", "--from", "vae.safetensors", "-o", "vae.safetensors", "--max-steps", 1]),
        ("train", ["store", "-o", "store/cat.safetensors", *TINY]),
        ("import", ["m.gen.json", "-o", "m.gen.json"]),
        ("export", ["m.gen.json", "-o", "m.gen.json"]),
        ("export-page", ["m.gen.json", "-o", "m.gen.json"]),
        ("prepare", ["d.ndjson", "-o", "d.ndjson"]),
    ],
)
def test_outputs_never_overwrite_inputs(run, files, name, arguments):
    Path("linked.svg").symlink_to("a.svg")
    Path("0.svg").write_bytes(files["a.svg"])
    if "%d.svg" in arguments:
        arguments = ["0.svg", *arguments[1:]]
    Path("d.safetensors").write_bytes(files["d.ndjson"])
    Path("new.log.jsonl").write_bytes(files["d.ndjson"])
    Path("new.sheets").mkdir()
    Path("new.sheets", "0000001.svg").write_bytes(files["a.svg"])
    run("prepare", "d.ndjson", "-o", "store")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, [name, *map(str, arguments), "--force"])
    assert result.exit_code in (1, 2), result.output
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error: ")]) == 1
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_run_in_the_folder_of_its_drawings_is_not_read_as_drawings(run, files):
    Path("drawings").mkdir()
    Path("drawings", "d.ndjson").write_bytes(files["d.ndjson"])
    run("train", "drawings", "-o", "drawings/m.safetensors", *TINY)
    run("export", "decoder.safetensors", "-o", "drawings/m.gen.json")
    result = run("prepare", "drawings", "-o", "drawings/store")
    assert "30 drawings read" in result.stderr
    assert "drawings: skipped 3 files of training runs (models, logs, previews)" in result.stderr
    run("train", "drawings", "-o", "drawings/m.safetensors", *TINY, "--force")
    run("train", "drawings/store", "-o", "drawings/store/m.safetensors", *TINY)
    run("train", "drawings/store", "-o", "drawings/store/m.safetensors", *TINY, "--resume")
    assert json.loads(run("stats", "drawings/store", "--json").stdout)["all"]["drawings"] == 30
    Path("drawings/more.ndjson").write_bytes(files["d.ndjson"].replace(b'"cat"', b'"m"'))
    for force in ([], ["--force"]):
        result = run("prepare", "drawings/more.ndjson", "-o", "drawings/store", *force, code=1)
        assert "m.safetensors: is a model" in result.stderr
    for path in ("drawings/m.log.jsonl", "drawings/m.gen.json"):
        assert "found a model or a file of a training run" in run("prepare", path, "-o", "s", code=1).stderr


def test_twenty_drawings_train_and_an_empty_split_is_named(run):
    ndjson_file(Path("few.ndjson"), [scribble(seed) for seed in range(60, 70)], keys=keys(10), word="cat")
    run("train", "few.ndjson", "-o", "few.safetensors", *TINY)
    ndjson_file(Path("one.ndjson"), [scribble(1)], word="cat")
    assert "Add more drawings" in run("train", "one.ndjson", "-o", "one.safetensors", *TINY, code=1).stderr
    result = run("evaluate", "vae.safetensors", "one.ndjson", "--split", "valid", code=1)
    assert "expected drawings in the valid split, found none" in result.stderr
    assert "--split" in result.stderr


CHILD = """
import sys
if __name__ == "__main__":
    from sketchrnn.cli import main
    from sketchrnn.dataset import prepare
    prepare._ALONE_BELOW = 0
    main()
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM")
def test_a_terminated_preparation_leaves_no_warning_and_resumes(run, files):
    Path("child.py").write_text(CHILD)
    sources = []
    for number in range(40):
        Path(f"{number}.ndjson").write_bytes(files["d.ndjson"].replace(b'"cat"', b'"cat %d"' % number))
        sources.append(f"{number}.ndjson")
    command = [sys.executable, "child.py", "prepare", *sources, "-o", "store", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not list(Path("store").glob(".preparing/*")) and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate()
    assert (child.returncode, said) == (130, "")
    assert "1,200 drawings read" in run("prepare", *sources, "-o", "store").stderr


@pytest.mark.parametrize("command", ["train d.ndjson -o new.safetensors", "evaluate vae.safetensors d.ndjson"])
def test_commands_that_need_torch_say_how_to_install_it(run, command):
    program = f"import sys; sys.modules['torch'] = None; from sketchrnn.cli import main; main({command.split()})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    name = command.split()[0]
    assert result.stderr == f"Error: sketchrnn {name} needs PyTorch. Install it: pip install 'sketchrnn[train]'\n"
    assert result.returncode == 1
    assert not Path("new.safetensors").exists()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no <(command)")
@pytest.mark.parametrize(
    "command",
    [
        "prepare {} -o store",
        "stats {}",
        "render {} -o new.svg",
        "train {} -o new.safetensors --max-steps 1 --decoder-only --set decoder_units=8",
        "evaluate vae.safetensors {} --split all",
    ],
)
def test_pipes_are_read(run, files, command):
    read, write = os.pipe()
    os.write(write, files["d.ndjson"][: 1 << 15])
    os.close(write)
    run(*command.format(f"/dev/fd/{read}").split())
    os.close(read)


def test_every_command_has_the_options_for_messages():
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert {"--quiet", "--verbose"} <= {option for parameter in command.params for option in parameter.opts}
