import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import CONFIGURATIONS, random_drawings, small_model
from web import PATIENCE

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.training import run
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers
from sketchrnn.training.files import last_path, log_path
from sketchrnn.training.run import train

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")

DRAWINGS = random_drawings(43, categories=("pig", "face"))
TRAINING = TrainingConfiguration(
    max_steps=20,
    batch_size=11,  # an odd one: the processes' shares differ
    learning_rate=0.01,
    learning_rate_schedule="exponential",
    warmup_steps=0,
    kl_floor=0.01,
    evaluate_every=10,
    checkpoint_every=5,
)
CHILD = """
import dataclasses, sys
from pathlib import Path
from test_distributed import TRAINING, run_here
from sketchrnn.training.distributed import join_workers
steps, *runs = sys.argv[1:]
with join_workers() as workers:
    for kind, path in zip(runs[::2], runs[1::2], strict=True):
        outcome = run_here(Path(path), kind, workers, max_steps=int(steps))
        assert outcome.finished or outcome.interrupted
"""


def run_here(path, kind, workers=ALONE, **changes):
    training = dataclasses.replace(TRAINING, **changes)
    model = small_model(**CONFIGURATIONS[kind])
    return train(DRAWINGS, model, training, path, max_length=12, workers=workers)


def start(*arguments, size=2, module=None):
    """Start processes as torchrun does."""
    places = [str(Path(__file__).parent), str(Path(run.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}"]
    command += ["-m", module] if module else []
    return subprocess.Popen(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return output, errors


@pytest.fixture
def child(tmp_path):
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    return str(path)


def evaluations(path):
    records = [json.loads(line) for line in log_path(path).read_text().splitlines()]
    return [record for record in records if record["kind"] == "evaluation"]


def test_two_processes_equal_one(tmp_path, child):
    """Starting the processes takes most of the time, so they train both models."""
    kinds = {"vae with categories": tmp_path / "vae", "decoder only": tmp_path / "decoder"}
    process = start(child, "20", *(str(part) for run in kinds.items() for part in run))
    for kind, two in kinds.items():
        run_here(two.with_name(f"{two.name}-one"), kind)
    finish(process)
    for kind, two in kinds.items():
        assert_equal(kind, two, two.with_name(f"{two.name}-one"))


def assert_equal(kind, two, one):
    ours, theirs = load_checkpoint(last_path(two)), load_checkpoint(last_path(one))
    assert ours.weights.keys() == theirs.weights.keys()
    for name, value in ours.weights.items():
        np.testing.assert_allclose(value, theirs.weights[name], rtol=1e-3, atol=1e-5, err_msg=name)
    assert log_path(two) != log_path(one)
    for mine, other in zip(evaluations(two), evaluations(one), strict=True):
        for key in ("reconstruction", "kl", "score"):
            assert mine[key] == pytest.approx(other[key], abs=1e-4)
    other_seed = two.with_name(f"{two.name}-other")
    run_here(other_seed, kind, seed=1)  # that the comparison can fail
    different = load_checkpoint(last_path(other_seed)).weights
    assert any(not np.allclose(value, different[name], rtol=1e-3, atol=1e-5) for name, value in ours.weights.items())


def test_sigterm_stops_all_processes_at_the_same_step(tmp_path, child):
    path = tmp_path / "two.safetensors"
    process = start(child, "100000", "vae", str(path))
    while not log_path(path).exists() or not evaluations(path):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    step = load_checkpoint(last_path(path)).training["step"]
    assert step >= 10
    assert all(record["step"] <= step for record in evaluations(path))
    going_on = dataclasses.replace(TRAINING, max_steps=step + 3)
    outcome = train(DRAWINGS, small_model(latent_dropout=0.0), going_on, path, max_length=12, resume=True)
    assert (outcome.finished, outcome.step) == (True, step + 3)


def test_the_command_under_torchrun(tmp_path):
    output = tmp_path / "model.safetensors"
    drawings = str(Path(__file__).parent.parent / "samples" / "pig.ndjson")
    generated = tmp_path / "pigs.ndjson"
    line = Path(drawings).read_text().splitlines()[0]
    records = [{**json.loads(line), "key_id": str(number)} for number in range(60)]
    generated.write_text("".join(json.dumps(record) + "\n" for record in records))
    arguments = ["train", str(generated), "-o", str(output), "--max-steps", "3", "--set", "decoder_units=8"]
    _, errors = finish(start(*arguments, "--set", "encoder_units=4", "--device", "cpu", module="sketchrnn"))
    assert errors.count("drawings read") == 1
    assert "training on cpu by 2 processes" in errors
    assert errors.count(f"wrote {output}") == 1
    process = start(*arguments, "--device", "cpu", module="sketchrnn")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert f"{output}" in errors
    assert "exists" in errors


def test_each_process_reads_its_part_of_every_batch_and_of_the_store(monkeypatch):
    drawings, read = random_drawings(400), []
    padded = Drawings.padded
    monkeypatch.setattr(
        Drawings, "padded", lambda self, index, longest: read.append(index) or padded(self, index, longest)
    )
    training = dataclasses.replace(TRAINING, batch_size=50)
    parts = []
    for rank in range(2):
        read.clear()
        stream = batch_stream(drawings, Collator(drawings, 1.0), training, 0, 12, Workers(rank, 2))
        batches = [next(stream) for _ in range(8)]
        assert all((len(batch), batch.global_batch_size) == (25, 50) for batch in batches)
        parts.append(np.concatenate(read))
    assert sorted(np.concatenate(parts)) == list(range(400))  # an epoch: each drawing once, by one process
    assert parts[0].max() < 300
    assert parts[1].min() >= 100


@pytest.mark.parametrize("size", [1, 2, 3])
def test_shares_are_put_together_again(size, monkeypatch):
    whole = list(range(7))
    shares = [whole[Workers(rank, size).strided_shard] for rank in range(size)]
    assert sorted(place for share in shares for place in share) == whole

    def all_gather_object(gathered, own):
        gathered[:] = shares

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather_object)
    assert Workers(0, size).merge(shares[0]) == whole
