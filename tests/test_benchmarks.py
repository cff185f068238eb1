"""The benchmarks that write RESULTS.md's tables run; what they measure is not looked at."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sketchrnn.dataset.prepare import prepare
from sketchrnn.dataset.store import shard_paths
from sketchrnn.model.checkpoint import load_checkpoint

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """Runs a script's main with arguments; returns what it wrote between its markers."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import results

    document = tmp_path / "RESULTS.md"
    monkeypatch.setattr(results, "RESULTS", document)

    def run(name, *arguments, table=None):
        table = table or name
        document.write_text(f"before\n<!-- {table} -->\nold\n<!-- end of {table} -->\nafter\n")
        module = __import__(name)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        module.main()
        text = document.read_text()
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "old" not in text
        return text.split("-->")[1].split("<!--")[0]

    threads = torch.get_num_threads()
    yield run
    torch.set_num_threads(threads)


@pytest.fixture
def drawings(tmp_path):
    generator = np.random.default_rng(0)
    path = tmp_path / "cats.ndjson"
    with path.open("w") as file:
        for key in range(160):
            strokes = generator.integers(0, 255, (2, 2, 6)).tolist()
            file.write(json.dumps({"word": "cat", "key_id": str(key), "drawing": strokes}) + "\n")
    return path


def test_train_throughput(benchmark, drawings):
    arguments = ("--file", drawings, "--batch-sizes", 4, "--rounds", 1, "--drawings", 8, "--device", "cpu")
    lines = [line for line in benchmark("train_throughput", *arguments).splitlines() if re.match(r"\| \w", line)]
    rates = [float(line.split("|")[2].replace(",", "")) for line in lines]
    assert len(rates) == 4
    assert all(rate > 0 for rate in rates)
    assert float(lines[0].split("|")[3]) == 1.0
    assert all(float(line.split("|")[3]) > 0 for line in lines)


def test_fuzz(benchmark):
    assert "60 files" in (text := benchmark("fuzz", "--files", 60, "--seed", 1))
    assert "0 faults" in text


def test_guess(benchmark, drawings):
    table = benchmark("guess", drawings, "--each", 2, "--raw", drawings)
    assert "2 test drawings of 1 categories" in table
    rows = [line.split("|")[1:-1] for line in table.splitlines() if re.match(r"\| \w", line)]
    assert [row[1].strip() for row in rows] == ["25%", "50%", "100%"] * 4
    # a recognizer sees the same picture, whatever the order and direction of the strokes
    assert rows[2][2:5] == rows[5][2:5] == rows[8][2:5]


def test_cells(benchmark, drawings):
    text = benchmark("cells", drawings, "--steps", 2, "--units", 8)
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \w", line)]
    assert len([row for row in rows if row[0].strip() != "cell"]) == 9 + 3
    assert all(row[2].strip() == "1.00" for row in rows if row[:2] == [" LSTM ", " none "])
    assert all(float(row[2]) > 0 for row in rows if row[0].strip() != "cell")


def test_what_gpu_sh_measures(benchmark, tmp_path, monkeypatch):
    import gpu

    output = tmp_path / "gpu.md"
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--smoke", "--output", str(output)])
    gpu.main()
    rows = [line.split("|")[1:-1] for line in output.read_text().splitlines() if re.match(r"\| \w*LSTM|\| layer", line)]
    assert [row[0].strip() for row in rows[::2]] == ["LSTM", "layer-norm LSTM", "HyperLSTM"]
    assert all(float(row[3].replace(",", "")) > 0 for row in rows)


def test_a_packed_store_trains_the_model_that_ships_and_resumes(drawings, tmp_path):
    """By the scripts themselves; the network is small here."""
    script = [str(BENCHMARKS / "train_shipped.sh"), str(tmp_path / "d.tar.xz"), str(tmp_path / "m.safetensors")]
    small = ["--set", "encoder_units=4", "--set", "decoder_units=8", "--set", "latent_units=2", "--device", "cpu"]
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(BENCHMARKS.parent)}

    def run(*command, **variables):
        subprocess.run(command, check=True, env={**environment, **variables}, stdout=subprocess.DEVNULL)

    prepare([drawings], tmp_path / "store")
    run(sys.executable, str(BENCHMARKS / "pack_data.py"), "pack", str(tmp_path / "store"), str(tmp_path / "d.tar.xz"))
    run(*script, *small, STEPS="2")
    assert load_checkpoint(tmp_path / "m.last.safetensors").training["step"] == 2
    run(*script, *small, STEPS="3")
    assert load_checkpoint(tmp_path / "m.last.safetensors").training["step"] == 3
    for path in shard_paths(tmp_path / "store"):
        assert (tmp_path / "d.store" / path.name).read_bytes() == path.read_bytes()


def test_page(benchmark):
    none = {"--rounds": 0, "--drawings": 0, "--visitors": 0}

    def measured(table, **chosen):
        options = none | {f"--{name}": value for name, value in chosen.items()}
        return benchmark("page", *(part for option in options.items() for part in option), table=table)

    table = measured("page server", visitors=20, seconds=1)
    assert "20 served, 0 faults" in table
    assert "Resident memory" in table
    assert "| file |" in measured("page", rounds=1, shapes="arc")
    assert "2 drawings" in measured("page memory", drawings=2)
