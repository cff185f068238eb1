"""Magenta's published files, in and out."""

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import CATEGORIES, checkpoint_of, network_of, random_stroke5, small_model
from click.testing import CliRunner
from http_server import serving

from sketchrnn.cli import main
from sketchrnn.download import Retries
from sketchrnn.errors import CheckpointError, DownloadError
from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.model.magenta import GEN, VAE, export_magenta, load_magenta
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.published import fetch_published

NODE = shutil.which("node")
ONE: dict[str, Any] = {"mixtures": 20, "latent_dropout": 0.0}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "gen": (GEN, {**ONE, "variational": False}),
    "gen of a category": (GEN, {**ONE, "variational": False, "categories": ("alarm clock",)}),
    "vae": (VAE, ONE),
    "vae that also draws without z": (VAE, {**ONE, "latent_dropout": 0.5, "categories": ("pig",)}),
    "vae of several categories": (VAE, {**ONE, "categories": CATEGORIES}),
    "vae with tanh of z": (VAE, {**ONE, "latent_tanh": True}),
    "vae with tanh of several categories": (VAE, {**ONE, "categories": CATEGORIES, "latent_tanh": True}),
}


def checkpoint_with(seed=0, **changes):
    return checkpoint_of(network_of(small_model(**changes), seed, spread=0.2))


@pytest.fixture(params=MODELS)
def model(request):
    """Kind, checkpoint, and the category of it that is exported."""
    kind, changes = MODELS[request.param]
    checkpoint = checkpoint_with(**changes)
    return kind, checkpoint, CATEGORIES[1] if checkpoint.configuration.conditional else None


@pytest.fixture
def gen():
    """A decoder's file, as its three parts."""
    return json.loads(export_magenta(checkpoint_with(**MODELS["gen of a category"][1]), GEN).content)


def prediction(checkpoint, category, z, rows):
    network = NumpyNetwork(checkpoint)
    index = np.array([checkpoint.configuration.category_index(category)])
    state = network.start(network.conditioning(index, None if z is None else z[None]))
    for row in rows:
        state = network.step(state, row[None])
    mixture = network.mixture(state)
    return {
        "pi": np.exp(mixture.log_pi[0]),
        "mu_x": mixture.mu[0, :, 0],
        "mu_y": mixture.mu[0, :, 1],
        "sigma_x": np.exp(mixture.log_sigma[0, :, 0]),
        "sigma_y": np.exp(mixture.log_sigma[0, :, 1]),
        "rho": mixture.rho[0],
        "pen": np.exp(mixture.log_q[0]),
    }


def given_to_both(checkpoint):
    rows = random_stroke5([9])[0, :-1].numpy()
    size = checkpoint.configuration.latent_units
    z = np.random.default_rng(1).normal(size=size).astype(np.float32) if checkpoint.configuration.variational else None
    return rows, z


def test_exported_and_imported_it_predicts_the_same(model, tmp_path):
    kind, checkpoint, category = model
    path = tmp_path / f"model.{kind}.json"
    exported = export_magenta(checkpoint, kind, category=category)
    path.write_bytes(exported.content)
    again = load_magenta(path)
    rows, z = given_to_both(checkpoint)
    ours, theirs = prediction(checkpoint, category, z, rows), prediction(again, None, z, rows)
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, atol=2e-3, err_msg=name)
    assert again.offset_scale == pytest.approx(checkpoint.offset_scale)
    assert exported.clipped == 0
    if z is not None:
        index = checkpoint.configuration.category_index(category)
        for one, other in zip(
            NumpyNetwork(checkpoint).encode(rows[1:], index), NumpyNetwork(again).encode(rows[1:], 0), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=2e-3)
    assert export_magenta(again, kind).content == exported.content  # what is rounded once stays


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_javascript_predicts_the_same(model, tmp_path):
    kind, checkpoint, category = model
    (tmp_path / "model.json").write_bytes(export_magenta(checkpoint, kind, category=category).content)
    rows, z = given_to_both(checkpoint)
    prefix = {"rows": rows.tolist(), "sketch": rows[1:].tolist(), "z": None if z is None else z.tolist()}
    (tmp_path / "prefix.json").write_text(json.dumps(prefix))
    script = Path(__file__).parent / "magenta_decoder.js"
    command = [NODE, str(script), "model.json", "prefix.json"]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    theirs = json.loads(printed)
    for name, value in prediction(checkpoint, category, z, rows).items():
        np.testing.assert_allclose(theirs[name], value, atol=1e-3, err_msg=name)
    if z is not None:
        z_mean, z_logvar = NumpyNetwork(checkpoint).encode(rows[1:], checkpoint.configuration.category_index(category))
        np.testing.assert_allclose(theirs["z_mean"], z_mean, atol=1e-3)
        np.testing.assert_allclose(theirs["z_logvar"], z_logvar, atol=1e-3)


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_the_comparison_notices_exchanged_tensors(tmp_path, gen):
    info, shapes, blobs = gen
    checkpoint = checkpoint_with(**MODELS["gen of a category"][1])
    rows, _ = given_to_both(checkpoint)
    content = np.frombuffer(base64.b64decode(blobs[3]), "<i2").reshape(shapes[3])
    blobs[3] = base64.b64encode(np.roll(content, 12, axis=1).tobytes()).decode()  # another order of the gates
    (tmp_path / "model.json").write_text(json.dumps([info, shapes, blobs]))
    (tmp_path / "prefix.json").write_text(json.dumps({"rows": rows.tolist()}))
    command = [NODE, str(Path(__file__).parent / "magenta_decoder.js"), "model.json", "prefix.json"]
    theirs = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    assert np.abs(np.array(theirs["mu_x"]) - prediction(checkpoint, None, None, rows)["mu_x"]).max() > 1e-2


def test_googles_decoders_come_out_as_they_went_in(shared):
    files = sorted((shared / "reference" / "google_decoders").glob("*.gen.json"))
    assert len(files) == 5
    for path in files:
        checkpoint = load_magenta(path)
        assert export_magenta(checkpoint, GEN).content == path.read_bytes()
        assert checkpoint.configuration.categories == (path.name.split(".")[0],)


def test_what_a_file_says_of_itself(gen):
    info, shapes, blobs = gen
    assert info == {"mode": 2, "version": 6, "max_seq_len": 250, "name": "alarm_clock", "scale_factor": 26.5 / 0.3}
    assert shapes == [[12, 123], [123], [5, 48], [12, 48], [48]]
    assert len(blobs) == 5


# wrong files


def wrong(path, change, gen):
    info, shapes, blobs = gen
    path.write_text(json.dumps(change(info, shapes, blobs)))
    with pytest.raises(CheckpointError) as caught:
        load_magenta(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i, s, b: [{**i, "scale_factor": float("nan")}, s, b], "offset_scale"),
        (lambda i, s, b: [{**i, "scale_factor": 0}, s, b], "offset_scale"),
        (lambda i, s, b: [{**i, "scale_factor": "wide"}, s, b], "wide"),
        (lambda i, s, b: [{**i, "max_seq_len": 0}, s, b], "max_length"),
        (lambda i, s, b: [{**i, "max_seq_len": float("inf")}, s, b], "infinity"),
        (lambda i, s, b: [{k: v for k, v in i.items() if k != "name"}, s, b], "'name' is missing"),
        (lambda i, s, b: [{k: v for k, v in i.items() if k != "mode"}, s, b], "'mode' is missing"),
        (lambda i, s, b: [i, s[:4], b[:4]], "found 4 tensors, expected 5"),
        (lambda i, s, b: [i, s, b[:4]], "found 4 tensors, expected 5"),
        (lambda i, s, b: [i, s[:4], b], "zip"),
        (lambda i, s, b: [i, [*s[:3], [48, 12], s[4]], b], "tensor 3 has the shape [48, 12], expected [12, 48]"),
        (lambda i, s, b: [i, [*s[:3], [12, 47], s[4]], b], "tensor 3 of shape [12, 47]"),
        (lambda i, s, b: [i, [*s[:3], [-1, 48], s[4]], b], "tensor 3 of shape [-1, 48]"),
        (lambda i, s, b: [i, [*s[:3], ["x"], s[4]], b], "tensor 3 of shape ['x']"),
        (lambda i, s, b: [i, [*s[:3], None, s[4]], b], "tensor 3 of shape None"),
        (lambda i, s, b: [i, s, [*b[:3], b[3][:-8], b[4]]], "tensor 3"),
        (lambda i, s, b: [i, s, [*b[:3], "!" + b[3][1:], b[4]]], "tensor 3"),
        (lambda i, s, b: [i, s, [*b[:3], 7, b[4]]], "tensor 3"),
        (lambda i, s, b: [{**i, "mode": 1}, s, b], "expected 17 for mode 1"),
        (lambda i, s, b: [s, s, b], "not a record"),
        (lambda i, s, b: [i, s], ""),
        (lambda i, s, b: {"a": 1}, ""),
        (lambda i, s, b: 7, ""),
    ],
)
def test_wrong_files(tmp_path, gen, change, said):
    assert said in wrong(tmp_path / "wrong.json", change, gen)


def test_a_truncated_file_and_a_missing_one(tmp_path):
    content = export_magenta(checkpoint_with(**MODELS["vae"][1]), VAE).content
    for share in (0.0, 0.01, 0.5, 0.999):
        path = tmp_path / "cut.vae.json"
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(CheckpointError, match=rf"^{path}: expected a published model"):
            load_magenta(path)
    with pytest.raises(CheckpointError, match="no such file"):
        load_magenta(tmp_path / "missing.gen.json")
    with pytest.raises(CheckpointError, match="is a directory"):
        load_magenta(tmp_path)


def test_a_vae_where_a_decoder_is_asked_for(tmp_path, gen):
    path = tmp_path / "pig.gen.json"
    path.write_bytes(export_magenta(checkpoint_with(**MODELS["vae"][1]), VAE).content)
    with pytest.raises(CheckpointError, match=r"expected the suffix \.vae\.json, because mode 1 is a VAE"):
        load_magenta(path)
    assert "is decoder-only" in wrong(tmp_path / "pig.vae.json", lambda *parts: list(parts), gen)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (GEN, ONE, "Export it as .vae.json"),
        (VAE, {**ONE, "variational": False}, "Export it as .gen.json"),
        (GEN, {**ONE, "variational": False, "categories": CATEGORIES}, "for models with one category"),
        (GEN, {**ONE, "variational": False, "mixtures": 5}, "20 mixtures, and this model has 5"),
        (GEN, {**ONE, "variational": False, "position_inputs": True}, "no position inputs"),
        (VAE, {**ONE, "encoder_cell": "layer_norm"}, "this model has layer_norm cells"),
        (GEN, {**ONE, "variational": False, "decoder_cell": "hyper"}, "this model has hyper cells"),
    ],
)
def test_models_that_the_format_cannot_hold(kind, changes, said):
    with pytest.raises(CheckpointError, match=r"^the model: cannot be written as \.(gen|vae)\.json: ") as caught:
        export_magenta(checkpoint_with(**changes), kind, category="pig" if "categories" in changes else None)
    assert said in str(caught.value)


def with_weight(checkpoint, name, value):
    weights = {**checkpoint.weights, name: checkpoint.weights[name].copy()}
    weights[name].flat[:2] = value
    return replace(checkpoint, weights=weights)


def test_weights_beyond_ten_are_counted_and_never_cut_in_silence():
    checkpoint = with_weight(checkpoint_with(**MODELS["gen"][1]), "decoder.output.bias", (11.5, -12.0))
    with pytest.raises(CheckpointError, match=r"beyond \+-10.*: 2 of decoder\.output\.bias, the largest 12; --clip"):
        export_magenta(checkpoint, GEN)
    exported = export_magenta(checkpoint, GEN, clip=True)
    assert (exported.clipped, exported.largest) == (2, pytest.approx(12.0))
    bias = np.frombuffer(base64.b64decode(json.loads(exported.content)[2][1]), "<i2")
    assert bias[:2].tolist() == [32767, -32768]
    fits = with_weight(checkpoint, "decoder.output.bias", (10.0, -10.0))
    assert export_magenta(fits, GEN).clipped == 0


def test_weights_that_are_no_numbers_or_not_there_are_named():
    checkpoint = checkpoint_with(**MODELS["vae of several categories"][1])
    broken = with_weight(checkpoint, "encoder.mean.bias", np.nan)
    with pytest.raises(CheckpointError, match=r"tensor encoder\.mean\.bias: 2 weights are not finite"):
        export_magenta(broken, VAE, category="pig")
    for name in ("decoder.output.bias", "category.weight", "decoder.initial.weight"):
        weights = {key: value for key, value in checkpoint.weights.items() if key != name}
        with pytest.raises(CheckpointError, match=name):
            export_magenta(replace(checkpoint, weights=weights), VAE, category="pig")
    turned = {**checkpoint.weights, "decoder.output.weight": checkpoint.weights["decoder.output.weight"].T}
    with pytest.raises(CheckpointError, match=r"decoder\.output\.weight has another shape"):
        export_magenta(replace(checkpoint, weights=turned), VAE, category="pig")


# commands


def run(*arguments, **environment):
    return CliRunner(env={key: str(value) for key, value in environment.items()}).invoke(
        main, list(map(str, arguments))
    )


def test_import_and_export(tmp_path, gen):
    (tmp_path / "clock.gen.json").write_text(json.dumps(gen, separators=(",", ":")) + "\n")
    imported = run("import", tmp_path / "clock.gen.json", "-o", tmp_path / "clock.safetensors")
    assert imported.exit_code == 0, imported.output
    assert "a decoder that draws alarm clock" in imported.stderr
    checkpoint = load_checkpoint(tmp_path / "clock.safetensors")
    assert checkpoint.training == {"imported": gen[0]}
    back = run("export", tmp_path / "clock.safetensors", "-o", tmp_path / "back.gen.json")
    assert back.exit_code == 0, back.output
    assert (tmp_path / "back.gen.json").read_bytes() == (tmp_path / "clock.gen.json").read_bytes()
    assert run("generate", "--model", tmp_path / "back.gen.json", "--max-points", 5).exit_code == 0
    assert "published by Google, alarm_clock" in run("info", tmp_path / "clock.safetensors").stdout
    refused = run("import", tmp_path / "clock.gen.json", "-o", tmp_path / "clock.safetensors")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert run("export", tmp_path / "clock.safetensors", "-o", tmp_path / "a.json").exit_code == 2
    wrong_kind = run("export", tmp_path / "clock.safetensors", "-o", tmp_path / "a.vae.json")
    assert wrong_kind.exit_code == 1
    assert "clock.safetensors" in wrong_kind.stderr
    assert not (tmp_path / "a.vae.json").exists()


@pytest.fixture
def bucket(tmp_path, monkeypatch, gen):
    """A server that has two models, one of them broken, and an empty cache."""
    monkeypatch.setenv("SKETCHRNN_CACHE", str(tmp_path / "cache"))
    files = {"/models/alarm_clock.gen.json": json.dumps(gen).encode(), "/large_models/pig.vae.json": b"[1, 2"}
    with serving(files) as served:
        yield served


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_a_model_is_fetched_once(bucket, tmp_path, gen):
    for _ in range(2):
        fetched = run("download-model", "alarm clock", SKETCHRNN_MODELS=bucket.url)
        assert fetched.exit_code == 0, fetched.output
        path = Path(fetched.stdout.strip())
        assert json.loads(path.read_bytes()) == gen
    assert len(bucket.requests) == 1
    assert kept(tmp_path) == ["alarm_clock.gen.json"]
    into = run("download-model", "alarm_clock", "-o", tmp_path / "clock.safetensors", "--base", bucket.url)
    assert into.exit_code == 0
    assert load_checkpoint(tmp_path / "clock.safetensors").configuration.categories == ("alarm clock",)
    path.write_bytes(path.read_bytes()[:-9])  # the kept file is damaged: fetched anew
    assert run("download-model", "alarm_clock", "--base", bucket.url).exit_code == 0
    assert len(bucket.requests) == 2


def test_a_broken_connection_is_gone_on_with(bucket):
    content = bucket.files["/models/alarm_clock.gen.json"] = (
        bucket.files["/models/alarm_clock.gen.json"] + b" " * 400_000
    )
    bucket.faults = [("break", len(content) // 2), None]
    path, checkpoint = fetch_published("alarm clock", base=bucket.url, retries=Retries(wait=0.0))
    assert path.read_bytes() == content
    assert checkpoint.source == str(path)
    assert bucket.requests[1][1] is not None  # it asked for the rest


def test_what_cannot_be_fetched_is_named_and_not_kept(bucket, tmp_path):
    unknown = run("download-model", "dragonfruit", SKETCHRNN_MODELS=bucket.url)
    assert unknown.exit_code == 1
    assert "404" in unknown.stderr
    assert len(unknown.stderr.splitlines()) == 1
    broken = run("download-model", "pig", "--vae", "--large", SKETCHRNN_MODELS=bucket.url)
    assert broken.exit_code == 1
    assert "expected a published model" in broken.stderr
    assert kept(tmp_path) == []
    with pytest.raises(DownloadError, match="expected a category"):
        fetch_published("../../etc/passwd", base=bucket.url)
    nowhere = run("download-model", "pig", SKETCHRNN_MODELS="nowhere")
    assert nowhere.exit_code == 1
