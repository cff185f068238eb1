import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from builders import CONFIGURATIONS, checkpoint_of, network_of, small_model
from safetensors import safe_open
from safetensors.numpy import save

from sketchrnn.errors import CheckpointError, SketchRNNError
from sketchrnn.model import checkpoint as checkpoint_module
from sketchrnn.model.checkpoint import Checkpoint, load_checkpoint, load_shipped, save_checkpoint
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.training.network.sketch_rnn import SketchRNN


@pytest.fixture(scope="module")
def network():
    return network_of(small_model(**CONFIGURATIONS["vae with categories"]))


@pytest.fixture
def path(network, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(checkpoint_of(network), path)
    return path


def refusal(path):
    """Load a bad file; return the message, which is one line and names it."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    return message


def header_of(path):
    with safe_open(path, framework="np") as file:
        return file.metadata()


def with_header(path, **changes):
    """Write the file again with other header values; None leaves one out."""
    header = {**header_of(path), **changes}
    weights = load_checkpoint(path).weights
    path.write_bytes(save(weights, {key: value for key, value in header.items() if value is not None}))


def with_configuration(path, change):
    values = json.loads(header_of(path)["configuration"])
    change(values)
    with_header(path, configuration=json.dumps(values))


def test_round_trip(network, path):
    checkpoint = load_checkpoint(path)
    original = checkpoint_of(network)
    assert {**vars(checkpoint), "weights": None} == {**vars(original), "weights": None, "source": str(path)}
    assert checkpoint.weights.keys() == original.weights.keys()
    for name, value in original.weights.items():
        assert checkpoint.weights[name].dtype == value.dtype
        assert np.array_equal(checkpoint.weights[name], value)


@pytest.mark.parametrize("scale", [1e-300, 0.1, 1 / 3, 26.123456789012345])
def test_the_offset_scale_is_exact(network, path, scale):
    save_checkpoint(checkpoint_of(network, offset_scale=scale), path)
    assert load_checkpoint(path).offset_scale == scale


def test_a_missing_file_and_a_folder(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.safetensors")
    assert "is a directory" in refusal(tmp_path)


def test_an_empty_file(path):
    path.write_bytes(b"")
    assert "is empty" in refusal(path)


@pytest.mark.parametrize("share", [1e-4, 0.001, 0.05, 0.3, 0.9, 0.9999])
def test_a_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(share * len(content)))])
    assert "damaged" in refusal(path)


def test_another_byte_at_the_end(path):
    path.write_bytes(path.read_bytes() + b"\n")
    refusal(path)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(path, seed):
    path.write_bytes(np.random.default_rng(seed).bytes(10 ** (seed + 1)))
    refusal(path)


@pytest.mark.parametrize("content", [b"{}", b"\n" * 100, b'{"a": 1}\n' * 50, b"\x00" * 8, b"PK\x03\x04" + b"\0" * 99])
def test_files_of_other_kinds(path, content):
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("header", [None, {}, {"format": "pt"}, {"format": "PT", "unit": "box"}])
def test_safetensors_of_someone_else(path, header):
    path.write_bytes(save({"weight": np.zeros(3, np.float32)}, header))
    assert "found another safetensors file" in refusal(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(path, dtype, value):
    """Else a model would draw nothing, or something wrong."""
    checkpoint = load_checkpoint(path)
    weights = {name: array.astype(dtype) for name, array in checkpoint.weights.items()}
    largest = weights["decoder.output.bias"]
    largest[:] = np.finfo(dtype).max
    save_checkpoint(dataclasses.replace(checkpoint, weights=weights), path)
    assert np.array_equal(load_checkpoint(path).weights["decoder.output.bias"], largest)
    weights["category.weight"][1, 2:4] = value
    save_checkpoint(dataclasses.replace(checkpoint, weights=weights), path)
    assert refusal(path).endswith("tensor category.weight: expected finite numbers, found 2 that are not")


@pytest.mark.parametrize("version", ["2", "0", "", "one", None])
def test_another_format_version(path, version):
    with_header(path, format_version=version)
    message = refusal(path)
    assert f"version 1, found {version}" in message


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("offset_scale", ["0", "0.0", "-1.5", "nan", "inf", "wide", "", "1,5", None]),
        ("unit", ["pixel", "", None]),
        ("max_length", ["0", "-3", "2.5", "many", "", None]),
        ("configuration", ["", "{", "[]", "null", "3", '"text"', "{}", "[" * 100_000, None]),
        ("training", ["", "{", "[" * 100_000, "3", "[]", None]),
    ],
)
def test_damaged_header_values(path, field, values):
    content = path.read_bytes()
    for value in values:
        path.write_bytes(content)
        with_header(path, **{field: value})
        assert "header of the checkpoint is damaged" in refusal(path), value


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("mixtures"),
        lambda values: values.update(depth=3),
        lambda values: values.update(decoder_units="512"),
        lambda values: values.update(decoder_units=-1),
        lambda values: values.update(decoder_units=12.0),
        lambda values: values.update(latent_dropout=2),
        lambda values: values.update(latent_dropout="half"),
        lambda values: values.update(latent_dropout=None),
        lambda values: values.update(categories=None),
        lambda values: values.update(categories=["pig", "pig"]),
        lambda values: values.update(categories=[["pig"], {}]),
        lambda values: values.update(categories=[1, 2]),
        lambda values: values.update(categories="pig"),
        lambda values: values.update(variational=3),
        lambda values: values.update(variational="yes"),
    ],
)
def test_damaged_configurations(path, change):
    with_configuration(path, change)
    assert "header of the checkpoint is damaged" in refusal(path)


@pytest.mark.parametrize("build", [SketchRNN.from_checkpoint, NumpyNetwork])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decoder.lstm.weight_hh_l0", None),
        ("decoder.output.weight", None),
        ("decoder.output.bias", np.zeros(20, np.float32)),
        ("decoder.lstm.weight_ih_l0", np.zeros((48, 5), np.float32)),
        ("decoder.lstm.bias_ih_l0", np.zeros((), np.float32)),
    ],
)
def test_weights_that_do_not_fit(network, path, build, name, value):
    checkpoint = checkpoint_of(network)
    weights = {key: other for key, other in checkpoint.weights.items() if key != name}
    if value is not None:
        weights[name] = value
    save_checkpoint(Checkpoint(checkpoint.configuration, weights, 1.0), path)
    with pytest.raises(
        CheckpointError, match=rf"^{re.escape(str(path))}: tensor {name} (is missing|has shape .*); expected shape"
    ) as caught:
        build(load_checkpoint(path))
    assert len(str(caught.value).splitlines()) == 1


def test_tensors_that_numpy_does_not_know(path):
    header = json.dumps(
        {
            "__metadata__": header_of(path),
            "no_latent": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]},
        }
    ).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    refusal(path)


@pytest.mark.parametrize("fields", [{"offset_scale": 0.0}, {"offset_scale": 1}, {"unit": "mm"}, {"max_length": 0}])
def test_a_checkpoint_that_could_not_be_used_is_not_made(network, fields):
    with pytest.raises(CheckpointError, match=f"^{next(iter(fields))}: expected .*, found "):
        checkpoint_of(network, **fields)


def test_a_failed_write_keeps_the_old_file(network, path, monkeypatch):
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SketchRNNError, match=f"^{path}: cannot be written: no space left on device$"):
        save_checkpoint(checkpoint_of(network, offset_scale=2.0), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_prefixes_load_just_the_tensors_asked_for(network, path):
    asked = load_checkpoint(path, prefixes=("encoder.mean", "no_latent"))
    assert set(asked.weights) == {"encoder.mean.weight", "encoder.mean.bias", "no_latent"}
    assert asked.configuration == network.configuration
    assert load_checkpoint(path, prefixes=()).weights == {}
    assert set(load_checkpoint(path).weights) == set(network.weights())


def test_the_shipped_model_is_read_from_the_package(monkeypatch, tmp_path, path):
    (tmp_path / "weights").mkdir()
    path.rename(tmp_path / "weights" / f"{checkpoint_module.SHIPPED}.safetensors")
    monkeypatch.setattr(checkpoint_module, "files", lambda package: tmp_path)
    assert load_shipped(prefixes=("no_latent",)).weights.keys() == {"no_latent"}


def test_the_same_checkpoint_has_the_same_bytes_in_every_process():
    program = (
        "import hashlib, numpy as np; from sketchrnn.model.checkpoint import *;"
        "from sketchrnn.model.configuration import ModelConfiguration;"
        "weights = {f'{one}': np.full(3, one, np.float32) for one in range(20)};"
        "checkpoint = Checkpoint(ModelConfiguration(), weights, 1.0);"
        "print(hashlib.sha256(checkpoint_bytes(checkpoint)).hexdigest())"
    )
    digests = {subprocess.check_output([sys.executable, "-c", program]) for _ in range(3)}
    assert len(digests) == 1
