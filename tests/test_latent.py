"""Places in latent space, what lies between them, and the commands that draw there."""

import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, seen_by, small_model
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.cli import main
from sketchrnn.errors import CategoryError, ConfigurationError
from sketchrnn.model.checkpoint import save_checkpoint
from sketchrnn.model.latent import between, combined, grid, latent_point_of_category, latent_points_of_sketch
from sketchrnn.model.model import Model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.sketch import Sketch

MODEL = small_model(**CONFIGURATIONS["vae with categories"])
Z = MODEL.latent_units
SKETCH = Sketch.from_polylines([[(10, 20), (60, 25), (40, 90)], [(5, 5), (30, 8)]])


def seen(network, sketch, category=0):
    return seen_by(network, sketch, category, scale=1.0)


vectors = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).normal(size=MODEL.conditioning_units).astype(np.float32)
)


def endless(kind):
    """A model that does not end its drawings."""
    checkpoint = checkpoint_of(network_of(small_model(**CONFIGURATIONS[kind])))
    checkpoint.weights["decoder.output.bias"][2] -= 20.0
    return checkpoint


def network_with(kind="vae with categories"):
    return NumpyNetwork(endless(kind))


@given(vectors, vectors, st.floats(0, 1), st.booleans())
def test_a_way_has_its_ends_where_they_are_and_goes_back_as_it_came(one, other, share, spherical):
    way = between(MODEL, one, other, [0.0, share, 1.0], spherical=spherical)
    np.testing.assert_allclose(way[[0, 2]], [one, other], atol=1e-5)
    back = between(MODEL, other, one, [1.0 - share], spherical=spherical)
    np.testing.assert_allclose(back[0], way[1], atol=1e-5)
    np.testing.assert_allclose(way[1, Z:], (1 - share) * one[Z:] + share * other[Z:], atol=1e-5)


@given(vectors, vectors, st.floats(0, 1))
def test_the_arc_keeps_its_distance_and_turns_evenly(one, other, share):
    one, other = (np.concatenate([v[:Z] / np.linalg.norm(v[:Z]), v[Z:]]) for v in (one, other))
    angle = np.arccos(np.clip(one[:Z] @ other[:Z], -1, 1))
    (there,) = between(MODEL, one, other, [share])
    assert np.linalg.norm(there[:Z]) == pytest.approx(1.0, abs=1e-4)
    assert np.arccos(np.clip(one[:Z] @ there[:Z], -1, 1)) == pytest.approx(share * angle, abs=2e-3)
    (straight,) = between(MODEL, one, other, [share], spherical=False)
    np.testing.assert_allclose(straight, (1 - share) * one + share * other, atol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 1.0, 3.0, -1.0])
def test_where_there_is_no_arc_the_way_is_straight(factor):
    one = np.arange(1.0, 1.0 + MODEL.conditioning_units, dtype=np.float32)
    (half,) = between(MODEL, one, factor * one, [0.5])
    np.testing.assert_allclose(half, 0.5 * (1 + factor) * one, atol=1e-4)


@given(vectors, vectors, vectors, vectors, st.booleans())
def test_a_grid_has_the_four_at_its_corners_and_ways_at_its_sides(one, two, three, four, spherical):
    places = grid(MODEL, (one, two, three, four), 4, spherical=spherical)
    assert places.shape == (16, MODEL.conditioning_units)
    places = places.reshape(4, 4, -1)
    np.testing.assert_allclose(places[[0, 0, 3, 3], [0, 3, 0, 3]], [one, two, three, four], atol=1e-5)
    shares = [0.0, 1 / 3, 2 / 3, 1.0]
    np.testing.assert_allclose(places[0], between(MODEL, one, two, shares, spherical=spherical), atol=1e-5)
    np.testing.assert_allclose(places[:, 3], between(MODEL, two, four, shares, spherical=spherical), atol=1e-5)


@given(vectors, vectors, vectors)
def test_a_sum_adds_z_and_has_the_first_ones_category(one, two, three):
    result = combined(MODEL, [(1, one), (-1, two), (1, three)])
    np.testing.assert_allclose(result[:Z], one[:Z] - two[:Z] + three[:Z], atol=1e-5)
    assert np.array_equal(result[Z:], one[Z:])
    np.testing.assert_allclose(combined(MODEL, [(1, one), (-1, two), (1, two)]), one, atol=1e-5)


def test_a_sketchs_latent_point_is_its_posteriors_mean():
    network = network_with()
    sketch = seen(network, SKETCH)
    z_mean, z_logvar = network.encode(sketch.rows[1:], 1)
    (point,) = latent_points_of_sketch(network, sketch, CATEGORIES[1])
    np.testing.assert_allclose(point, network.conditioning(np.array([1]), z_mean[None])[0])
    sampled = latent_points_of_sketch(network, sketch, CATEGORIES[1], seeds=range(400))
    np.testing.assert_allclose(sampled[:, :Z].std(0), np.exp(0.5 * z_logvar), rtol=0.2)
    assert np.array_equal(sampled[0, Z:], point[Z:])


def test_a_categorys_latent_point_has_no_z_or_one_of_the_prior():
    network = network_with()
    (point,) = latent_point_of_category(network, CATEGORIES[2], 1.4, 1.0, 0)
    assert np.array_equal(point, network.conditioning(np.array([2]), guidance=1.4)[0])
    always = network_with("vae")
    one, other = (latent_point_of_category(always, None, 1.0, 1.0, seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, latent_point_of_category(always, None, 1.0, 1.0, 0))


def test_at_a_categorys_latent_point_is_drawn_what_generate_draws():
    model = Model(endless("decoder only with categories"))
    for seed in (0, 5):
        ends = model.interpolate(list(CATEGORIES[:2]), steps=2, seed=seed, max_points=12)
        for name, there in zip(CATEGORIES, ends, strict=False):
            (plain,) = model.generate(name, seed=seed, max_points=12)
            assert there.sketch == plain.sketch
            assert (there.ended, there.seed) == (plain.ended, seed)


@pytest.mark.parametrize("setting", ["guidance", "clarity"])
def test_a_setting_is_honored_wherever_it_is_offered(setting):
    model = Model(endless("vae with clarity"))

    def drawn(value):
        settings = {setting: value, "max_points": 12, "scale": 1.0, "best_of": 1}
        ends = model.interpolate([SKETCH, "pig"], category="pig", steps=2, **settings)
        total = model.combine([(1, SKETCH), (-1, "pig")], category="pig", **settings)
        return [*model.reconstruct(SKETCH, "pig", **settings), *ends, *total]

    for one, other, again in zip(drawn(1.0), drawn(3.0), drawn(1.0), strict=True):
        assert one.sketch == again.sketch
        assert one.sketch != other.sketch


def test_a_reconstruction_begins_where_the_sketch_does_and_depends_on_it():
    model = Model(endless("vae"))
    settings: dict[str, Any] = {"scale": 1.0, "max_points": 12, "best_of": 1}
    one, two = model.reconstruct(SKETCH, count=2, **settings)
    assert one.sketch.first_point.tolist() == two.sketch.first_point.tolist() == [10, 20]
    assert (one.seed, two.seed) == (0, 1)
    assert one.sketch != two.sketch
    (again,) = model.reconstruct(SKETCH, seed=1, **settings)
    assert again.sketch == two.sketch
    (moved,) = model.reconstruct(SKETCH.transformed(shift=(7, 7)), **settings)
    assert moved.sketch.transformed(shift=(-7, -7)).bounds() == pytest.approx(one.sketch.bounds())
    (other,) = model.reconstruct(SKETCH.transformed(scale=2.0), **settings)
    assert other.sketch.transformed(shift=(-10, -20)).bounds() != pytest.approx(one.sketch.bounds())
    (sampled,) = model.reconstruct(SKETCH, sample=True, **settings)
    assert sampled.sketch != one.sketch


def test_what_has_no_latent_point():
    for kind, sketch, category, error, said in (
        ("decoder only", SKETCH, None, ConfigurationError, "encoder"),
        ("vae", Sketch(()), None, ConfigurationError, "empty"),
        ("vae with categories", SKETCH, "cow", CategoryError, "unknown category"),
    ):
        network = network_with(kind)
        with pytest.raises(error, match=said):
            latent_points_of_sketch(network, seen(network, sketch), category)


# commands


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Models, and a file of two cats and an unnamed drawing."""
    monkeypatch.chdir(tmp_path)
    for name, kind in (("vae", "vae with categories"), ("decoder", "decoder only"), ("hyper", "layer-norm vae")):
        save_checkpoint(endless(kind), f"{name}.safetensors")
    records = [{"word": word, "drawing": [[[9, 80 + 9 * place], [9, 30]]]} for place, word in enumerate(["pig", "pig"])]
    (tmp_path / "pigs.ndjson").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "plain.json").write_text('{"strokes": [[[1, 2], [30, 40], [5, 60]]]}')
    return tmp_path


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, [*map(str, arguments), "--max-points", "8"], input=stdin)


def labels(result):
    assert result.exit_code == 0, result.output
    texts = [element.text for element in ElementTree.fromstring(result.stdout).iter("{http://www.w3.org/2000/svg}text")]
    return [re.sub(", cut$", "", text) for text in texts]


def test_reconstruct_shows_the_sketch_and_what_becomes_of_it(folder):
    shown = run("reconstruct", "pigs.ndjson", "--index", 1, "-n", 3, "--model", "vae.safetensors", "--seed", 4)
    assert labels(shown) == ["pig, as given", "pig, seed 4", "pig, seed 5", "pig, seed 6"]
    lines = run("reconstruct", "pigs.ndjson", "--index", 1, "-n", 3, "--model", "vae.safetensors", "--format", "ndjson")
    assert [json.loads(line)["word"] for line in lines.stdout.splitlines()] == ["pig"] * 3
    other_cell = run("reconstruct", "plain.json", "--model", "hyper.safetensors")
    assert labels(other_cell) == ["drawing, as given", "seed 0"]


def test_interpolate_between_two_and_between_four(folder):
    two = run("interpolate", "pigs.ndjson:0", "pigs.ndjson:1", "--steps", 5, "--model", "vae.safetensors")
    assert labels(two) == ["0%", "25%", "50%", "75%", "100%"]
    straight = run("interpolate", "pigs.ndjson:0", "pig", "--steps", 5, "--linear", "--model", "vae.safetensors")
    assert len(labels(straight)) == 5
    corners = ("pigs.ndjson:0", "plain.json", "alarm clock", "The Eiffel Tower")
    four = run("interpolate", *corners, "--steps", 3, "--category", "pig", "--model", "vae.safetensors")
    assert labels(four)[:4] == ["0%, 0%", "50%, 0%", "100%, 0%", "0%, 50%"]
    assert len(labels(four)) == 9
    written = run("interpolate", "pig", "alarm clock", "--steps", 3, "--model", "vae.safetensors", "-o", "way-%d.svg")
    assert written.exit_code == 0
    assert sorted(path.name for path in folder.glob("way-*")) == ["way-0.svg", "way-1.svg", "way-2.svg"]


def test_categories_mix_in_the_shipped_model():
    first = ("--format", "ndjson", "--best-of", 1)  # what lies between has no name by which the best could be chosen
    result = run("interpolate", "cat", "pig", "--steps", 3, *first)
    assert result.exit_code == 0, result.output
    ends = [run("generate", "--category", name, *first).stdout for name in ("cat", "pig")]
    drawings = [json.loads(line)["drawing"] for line in result.stdout.splitlines()]
    assert len(drawings) == 3
    assert drawings[1] not in (drawings[0], drawings[2])
    if len(ends[0].splitlines()) == 1:
        assert drawings[0] == json.loads(ends[0])["drawing"]


def test_arithmetic(folder):
    terms = ("pigs.ndjson:0", "-", "pigs.ndjson:1", "+", "plain.json")
    shown = run("arithmetic", *terms, "--category", "pig", "--model", "vae.safetensors", "-n", 2)
    assert labels(shown) == ["+ pig", "- pig", "+ pig", "sum, seed 0", "sum, seed 1"]
    same = run("arithmetic", *terms[:3], "+", "pigs.ndjson:1", "--model", "vae.safetensors", "--format", "ndjson")
    plain = run("reconstruct", "pigs.ndjson", "--index", 0, "--model", "vae.safetensors", "--format", "ndjson")
    ours, theirs = (
        np.concatenate([np.transpose(stroke) for stroke in json.loads(result.stdout)["drawing"]])
        for result in (same, plain)
    )
    ours, theirs = ours - ours[0], theirs - theirs[0]  # one in the model's unit, the other in the sketch's
    np.testing.assert_allclose(ours / np.ptp(ours), theirs / np.ptp(theirs), atol=0.002)  # A - B + B is A


RECORD = '{"word":"pig","drawing":[[[1,2,3],[4,50,6]]]}'


def test_several_records_give_a_result_each(folder):
    vae = ("--model", "vae.safetensors", "--format", "ndjson")

    def lines(*arguments):
        result = run(*arguments, *vae)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    both = lines("reconstruct", "pigs.ndjson", "-n", 2)
    assert both == [line for index in (0, 1) for line in lines("reconstruct", "pigs.ndjson", "-n", 2, "--index", index)]
    sums = lines("arithmetic", "pigs.ndjson", "-", "pigs.ndjson:1", "+", "plain.json", "--category", "pig")
    assert sums == [
        line
        for index in (0, 1)
        for line in lines(
            "arithmetic", f"pigs.ndjson:{index}", "-", "pigs.ndjson:1", "+", "plain.json", "--category", "pig"
        )
    ]
    ways = lines("interpolate", "pigs.ndjson", "pig", "--steps", 3)
    assert ways[3:] == lines("interpolate", "pigs.ndjson:1", "pig", "--steps", 3)
    shown = run("reconstruct", "pigs.ndjson", "--model", "vae.safetensors")
    assert labels(shown) == ["pig, as given", "pig, seed 0"] * 2


def fails(result, *parts, code=1):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert code != 1 or len(result.stderr.strip().splitlines()) == 1, result.stderr
    for part in parts:
        assert str(part) in result.stderr


def test_wrong_places(folder):
    vae = ("--model", "vae.safetensors")
    fails(run("interpolate", "pig", *vae), "two or four ends, found 1", code=2)
    fails(run("interpolate", "pig", "pig", "pig", *vae), "found 3", code=2)
    fails(
        run("interpolate", "pgi", "pig", *vae),
        "pgi: expected a file or a category, found neither",
        "did you mean 'pig'",
    )
    fails(run("interpolate", "missing.json", "pig", *vae), "missing.json: expected a file or a category")
    fails(run("interpolate", "pigs.ndjson:7", "pig", *vae), "pigs.ndjson: expected a record with index 7")
    fails(run("interpolate", "plain.json", "pig", *vae), "plain.json pig: expected one of ")
    fails(run("interpolate", "plain.json", "plain.json", "--model", "decoder.safetensors"), "plain.json", "encoder")
    fails(run("interpolate", "pig", "pig", "--steps", 1, *vae), code=2)
    fails(run("reconstruct", "plain.json", "--model", "decoder.safetensors"), "plain.json: ", "encoder")
    fails(run("reconstruct", "plain.json", *vae), "plain.json: expected one of ")
    fails(run("arithmetic", "pig", "minus", "pig", *vae), "A - B + C", code=2)
    fails(run("arithmetic", "pig", "-", *vae), "A - B + C", code=2)
    fails(run("arithmetic", "plain.json", "+", "plain.json", "--model", "decoder.safetensors"), "encoder")
    (folder / "three.ndjson").write_text((folder / "pigs.ndjson").read_text() + "\n" + RECORD)
    fails(run("arithmetic", "pigs.ndjson", "-", "three.ndjson", *vae), "2 in pigs.ndjson, 3 in three.ndjson")
    (folder / "out.svg").write_text("mine")
    fails(run("interpolate", "pig", "pig", *vae, "-o", "out.svg"), "out.svg", "--force")
    assert (folder / "out.svg").read_text() == "mine"
