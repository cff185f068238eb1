import dataclasses
import io
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from builders import drawings_of, random_drawings, rows_of_drawing
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.dataset.drawings import SPLITS, Drawings, split_of_hash
from sketchrnn.dataset.encode import hash_of_key
from sketchrnn.dataset.load import load
from sketchrnn.errors import DatasetError, SketchRNNError
from sketchrnn.formats import read_records
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import SAME_SHAPE, fit_to_box, same_shape, signature


def split_of_key(key):
    return SPLITS[split_of_hash(np.array([hash_of_key(key)], np.uint64))[0]]


def scribble(seed, points=12, size=255.0):
    """Two strokes that wander over the box."""
    generator = np.random.default_rng(seed)
    way = np.rint(generator.uniform(0, size, (points, 2)))
    return Sketch.from_polylines([way[: points // 2], way[points // 2 :]])


def ndjson_file(path, sketches, *, keys=None, word="pig"):
    lines = []
    for place, sketch in enumerate(sketches):
        record = {"word": word, "drawing": [stroke.T.tolist() for stroke in sketch.strokes]}
        if keys is not None:
            record["key_id"] = keys[place]
        lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n")
    return path


def npz_file(path, **splits):
    file = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, sketches in splits.items():
        arrays[name] = np.empty(len(sketches), dtype=object)
        arrays[name][:] = [np.rint(sketch.to_stroke3()).astype(np.int16) for sketch in sketches]
    np.savez(file, **arrays)
    path.write_bytes(file.getvalue())
    return path


def keys(count, start=0):
    return [str(4_000_000_000_000_000 + start + place) for place in range(count)]


# --- splits


def test_shares_of_the_splits():
    shares = Counter(split_of_key(str(key)) for key in range(40_000))
    assert shares["test"] / 40_000 == pytest.approx(0.10, abs=0.006)
    assert shares["valid"] / 40_000 == pytest.approx(0.05, abs=0.005)
    assert set(shares) == set(SPLITS)


@given(st.lists(st.text(), max_size=5), st.text())
def test_a_split_depends_on_the_key_alone(others, key):
    before = split_of_key(key)
    for other in others:
        split_of_key(other)
    assert split_of_key(key) == before


def test_adding_files_moves_no_drawing(tmp_path):
    first = ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(60)], keys=keys(60))
    more = ndjson_file(tmp_path / "b.ndjson", [scribble(seed) for seed in range(100, 160)], keys=keys(60, 500))
    alone, _ = load([first])
    together, _ = load([more, first])
    assert together.split[60:].tolist() == alone.split.tolist()
    assert alone.split.tolist() == [SPLITS.index(split_of_key(key)) for key in keys(60)]


def test_drawings_without_a_key_are_split_by_their_shape(tmp_path):
    sketches = [scribble(seed) for seed in range(60)]
    forwards, _ = load([ndjson_file(tmp_path / "a.ndjson", sketches)])
    backwards, _ = load([ndjson_file(tmp_path / "b.ndjson", sketches[::-1])])
    assert forwards.split.tolist() == backwards.split.tolist()[::-1]
    assert len(set(forwards.split.tolist())) > 1


# --- prepare


def test_what_is_dropped_is_counted_by_its_reason(tmp_path):
    dot = Sketch.from_polylines([[(5, 5), (5, 5)]])
    good = [scribble(seed) for seed in range(4)]
    sketches = [*good, dot, dot, Sketch.from_polylines([]), scribble(9, points=60), good[0]]
    names = [*keys(8), keys(1)[0]]
    drawings, report = load([ndjson_file(tmp_path / "a.ndjson", sketches, keys=names)], max_length=30)
    assert len(drawings) == 4
    assert report.read == 9
    assert report.dropped == {
        "without any extent": 3,
        "longer than 30 rows": 1,
        "read before under the same key_id": 1,
    }
    assert sum(report.splits.values()) == 4
    text = str(report)
    assert "9 drawings read" in text
    assert "3 without any extent" in text


def test_the_longest_that_is_kept_has_max_length_rows(tmp_path):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(0, points=12), scribble(1, points=13)], keys=keys(2))
    drawings, report = load([path], max_length=11)
    assert drawings.lengths.tolist() == [11]
    assert report.dropped == {"longer than 11 rows": 1}


def test_a_key_that_was_dropped_can_come_again(tmp_path):
    dot = Sketch.from_polylines([[(5, 5), (5, 5)]])
    path = ndjson_file(tmp_path / "a.ndjson", [dot, scribble(0)], keys=[keys(1)[0]] * 2)
    assert len(load([path])[0]) == 1


def test_empty_strokes_are_counted(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"word": "pig", "drawing": [[[0, 9], [0, 5]], [[], []]]}\n')
    _, report = load([path])
    assert report.counts.empty_strokes == 1
    assert "1 strokes without a point" in str(report)


def test_nothing_left_is_an_error_of_one_line(tmp_path):
    dot = Sketch.from_polylines([[(5, 5), (5, 5)]])
    path = ndjson_file(tmp_path / "a.ndjson", [dot] * 3, keys=keys(3))
    with pytest.raises(DatasetError, match=r"found none to use among 3.*3 without any extent") as caught:
        load([path])
    assert "\n" not in str(caught.value)
    with pytest.raises(DatasetError, match="found none to use"):
        load([])


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(SketchRNNError, match="missing"):
        load([tmp_path / "missing.npz"])


def test_npz_files_alone_keep_unit_and_split(tmp_path):
    sketches = [scribble(seed, size=900.0) for seed in range(9)]
    path = npz_file(tmp_path / "pig.npz", train=sketches[:5], valid=sketches[5:7], test=sketches[7:])
    drawings, report = load([path])
    assert drawings.unit == report.unit == "source"
    assert drawings.categories == ("pig",)
    assert report.splits == {"train": 5, "valid": 2, "test": 2}
    for place, sketch in enumerate(sketches):
        np.testing.assert_array_equal(rows_of_drawing(drawings, place), sketch.to_stroke3())
    assert len(drawings.of_split("valid")) == 2
    assert len(drawings.of_split("all")) == 9


def largest_sides(drawings):
    sides = []
    for place in range(len(drawings)):
        x_min, y_min, x_max, y_max = Sketch.from_stroke3(rows_of_drawing(drawings, place)).bounds()
        sides.append(max(x_max - x_min, y_max - y_min))
    return sides


def mixed(tmp_path):
    large = [scribble(seed, size=900.0) for seed in range(6)]
    npz = npz_file(tmp_path / "face.npz", train=large[:3], valid=large[3:5], test=large[5:])
    return [npz, ndjson_file(tmp_path / "pig.ndjson", [scribble(seed) for seed in range(20, 30)], keys=keys(10))]


def test_mixed_files_are_measured_in_the_255_box(tmp_path):
    paths = mixed(tmp_path)
    drawings, report = load(paths)
    assert drawings.unit == report.unit == "box"
    assert largest_sides(drawings) == pytest.approx([255.0] * 16, rel=1e-5)
    assert drawings.categories == ("face", "pig")
    assert drawings.category.tolist() == [0] * 6 + [1] * 10
    assert drawings.split[:6].tolist() == [0, 0, 0, 1, 1, 2]
    assert drawings.of_split("train").offset_scale() > 0


def test_the_unit_can_be_told(tmp_path):
    paths = mixed(tmp_path)
    assert max(largest_sides(load(paths, unit="source")[0])) > 500
    boxed, _ = load(paths[:1], unit="box")
    assert boxed.unit == "box"
    assert largest_sides(boxed) == pytest.approx([255.0] * 6, rel=1e-5)


def test_the_box_keeps_the_shape(tmp_path):
    flat = Sketch.from_polylines([[(0, 0), (10, 0), (10, 4), (0, 0)]])
    drawings, _ = load([ndjson_file(tmp_path / "a.ndjson", [flat], keys=keys(1))])
    np.testing.assert_allclose(rows_of_drawing(drawings, 0), [(255, 0, 0), (0, 102, 0), (-255, -102, 1)], rtol=1e-6)


def test_raw_files_are_simplified(tmp_path):
    line = np.column_stack([np.linspace(0, 800, 200), np.linspace(0, 400, 200)])
    record = {"word": "pig", "drawing": [[*line.T.tolist(), list(range(200))]]}
    (tmp_path / "a.ndjson").write_text(json.dumps(record))
    drawings, _ = load([tmp_path / "a.ndjson"])
    np.testing.assert_allclose(rows_of_drawing(drawings, 0), [(255, 128, 1)], atol=1)


def test_a_file_without_words_names_the_category(tmp_path):
    (tmp_path / "my spiral.json").write_text("[[[0, 0], [5, 7], [9, 9], [8, 1]]]")
    assert load([tmp_path / "my spiral.json"])[0].categories == ("my spiral",)


# --- the same drawing in two files


def jittered(sketch, seed, scale=3.0):
    """As the published npz holds it: in canvas pixels, simplified a little differently."""
    generator = np.random.default_rng(seed)
    return Sketch(tuple(np.rint(stroke * scale + generator.normal(0, 1.5, stroke.shape)) for stroke in sketch.strokes))


@pytest.mark.parametrize("npz_first", [True, False])
def test_a_drawing_that_stands_in_npz_and_ndjson_is_kept_once(tmp_path, npz_first):
    sketches = [scribble(seed) for seed in range(12)]
    both = [jittered(sketch, 1) for sketch in sketches[:5]]
    others = [scribble(seed, size=765.0) for seed in range(50, 57)]
    paths = [
        npz_file(tmp_path / "pig.npz", train=[*both[:3], *others[:4]], test=[*both[3:], *others[4:]]),
        ndjson_file(tmp_path / "pig.ndjson", sketches, keys=keys(12)),
    ]
    drawings, report = load(paths if npz_first else paths[::-1])
    assert report.dropped == {"of the same shape as one with a key_id": 5}
    assert len(drawings) == 12 + 7
    keyed = slice(7, None) if npz_first else slice(0, 12)
    alone, _ = load([paths[1]])
    assert drawings.split[keyed].tolist() == alone.split.tolist()


def test_the_same_shape_in_another_category_is_another_drawing(tmp_path):
    sketch = scribble(0)
    paths = [
        npz_file(tmp_path / "face.npz", train=[sketch]),
        ndjson_file(tmp_path / "pig.ndjson", [sketch], keys=keys(1)),
    ]
    assert len(load(paths)[0]) == 2


def test_a_file_given_twice_is_kept_once(tmp_path):
    sketches = [scribble(seed) for seed in range(6)]
    for path in (
        ndjson_file(tmp_path / "keyed.ndjson", sketches, keys=keys(6)),
        ndjson_file(tmp_path / "keyless.ndjson", sketches),
        npz_file(tmp_path / "pig.npz", train=sketches),
    ):
        copy = path.with_name(f"copy of {path.name}") if path.suffix == ".ndjson" else tmp_path / "copy" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        for paths in ([path, path], [path, copy]):
            drawings, report = load(paths)
            assert len(drawings) == 6
            assert report.read - sum(report.dropped.values()) == 6
        assert report.read == 12


@given(st.integers(0, 1000), st.floats(0.01, 100.0), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_the_signature_ignores_place_and_size(seed, scale, x, y):
    sketch = scribble(seed)
    np.testing.assert_allclose(signature(sketch.transformed(scale, (x, y))), signature(sketch), atol=0.01)


def test_same_shape_is_the_distance_to_the_nearest():
    generator = np.random.default_rng(0)
    others = generator.uniform(0, 255, (40, 128)).astype(np.float32)
    candidates = others[generator.integers(0, 40, 30)] + generator.uniform(-1, 1, (30, 1)) * np.linspace(0, 16, 30)[
        :, None
    ].astype(np.float32)
    distance = np.abs(candidates[:, None] - others[None]).mean(-1).min(1)
    clear = np.abs(distance - SAME_SHAPE) > 0.05
    found = same_shape(candidates.astype(np.float32), others, chunk=7)
    assert (found == (distance < SAME_SHAPE))[clear].all()
    assert 0 < found.sum() < 30
    assert not same_shape(candidates.astype(np.float32), others[:0]).any()


@pytest.fixture(scope="module")
def pigs(shared):
    paths = [
        shared / "data" / "quickdraw" / "sketchrnn" / "pig.npz",
        shared / "data" / "quickdraw" / "simplified" / "pig.ndjson",
    ]
    if not all(path.is_file() for path in paths):
        pytest.skip("the real pigs are absent")
    return paths


def test_real_drawings_are_kept_once(pigs):
    drawings, report = load(pigs)
    records = [record for path in pigs for record in read_records(path)]
    keyed = {record.key_id: record for record in records if record.key_id is not None}
    assert report.read == len(records) == len(drawings) + sum(report.dropped.values())
    assert report.dropped["of the same shape as one with a key_id"] > 0
    # npz drawings come first; measured the plain way, no one that is kept is near a keyed one
    kept_npz = len(drawings) - sum(1 for record in keyed.values() if record.sketch.to_stroke3()[:, :2].any())
    shapes = np.stack([signature(record.sketch) for record in keyed.values()])
    nearest = min(
        np.abs(shapes - signature(Sketch.from_stroke3(rows_of_drawing(drawings, place)))).mean(1).min()
        for place in range(kept_npz)
    )
    assert nearest >= SAME_SHAPE - 0.05
    assert kept_npz > 1000


# --- Drawings


def in_blocks(drawings, cut=7):
    """The same drawings in two blocks, of which the second stores half the offsets."""
    (block,) = drawings.blocks
    first, second = block.at(np.arange(cut)), block.at(np.arange(cut, len(block)))
    halved = dataclasses.replace(second, offsets=second.offsets / 2, box_scale=2 * second.box_scale)
    return dataclasses.replace(drawings, blocks=(first, halved))


@given(st.lists(st.integers(0, 19), max_size=12))
def test_a_subset_is_a_loop(index):
    drawings = in_blocks(random_drawings(20, categories=("pig", "face")))
    part = drawings.subset(np.array(index, dtype=np.int64))
    places = np.arange(len(index))
    assert len(part) == len(index)
    offsets, lifts = part.padded(places, 25)
    pieces = list(part.pieces())
    read = [np.column_stack([piece.scaled_offsets(part.unit), piece.lifts]) for piece in pieces]
    expected = [rows_of_drawing(drawings, place) for place in index]
    np.testing.assert_array_equal(
        np.concatenate([*read, np.zeros((0, 3))]), np.concatenate([*expected, np.zeros((0, 3))])
    )
    for place, rows in enumerate(expected):
        np.testing.assert_array_equal(offsets[place, : len(rows)], rows[:, :2])
        np.testing.assert_array_equal(lifts[place, : len(rows)], rows[:, 2] > 0)
        assert not offsets[place, len(rows) :].any()
        assert not lifts[place, len(rows) :].any()
        np.testing.assert_array_equal(part.stroke3(place), rows)
    assert part.lengths.tolist() == drawings.lengths[np.array(index, dtype=np.int64)].tolist()
    assert (part.categories, part.unit) == (drawings.categories, drawings.unit)
    for place, original in enumerate(index):
        np.testing.assert_array_equal(rows_of_drawing(part, place), rows_of_drawing(drawings, original))
        assert part.category[place] == drawings.category[original]
        assert part.split[place] == drawings.split[original]


def test_splits_part_the_drawings():
    drawings = random_drawings(40)
    parts = [drawings.of_split(name) for name in SPLITS]
    assert sum(len(part) for part in parts) == 40
    assert all((part.split == place).all() for place, part in enumerate(parts))
    assert len(drawings.of_split("all")) == 40


def test_offset_scale_is_the_deviation_of_the_training_offsets():
    rows = [[(1, 2, 0), (3, -4, 1)], [(100, 200, 1)], [(5, 0, 1)]]
    drawings = drawings_of(rows, split=[0, 1, 0])
    assert drawings.offset_scale() == pytest.approx(np.std([1, 2, 3, -4, 5, 0]))
    for hopeless in (drawings_of(rows, split=[1, 1, 2]), drawings_of([[(0, 0, 1)]])):
        with pytest.raises(DatasetError, match="found only single points"):
            hopeless.offset_scale()


def test_any_change_changes_the_fingerprint():
    drawings = random_drawings(10, categories=("pig", "face"))
    assert drawings.fingerprint() == random_drawings(10, categories=("pig", "face")).fingerprint()
    assert drawings.fingerprint() == in_blocks(drawings).fingerprint()
    changes: list[dict[str, Any]] = [{"unit": "source"}, {"categories": ("pig", "cat")}]
    for name in ("category", "split"):
        value = getattr(drawings, name).copy()
        value[3] = 1 - value[3]
        changes.append({name: value})
    for name in ("offsets", "lifts"):
        block = drawings.blocks[0]
        value = getattr(block, name).copy()
        value.flat[3] = 1 - value.flat[3] if value.dtype != bool else ~value.flat[3]
        changes.append({"blocks": (dataclasses.replace(block, **{name: value}),)})
    shifted = drawings.lengths.copy()
    shifted[:2] += [1, -1]
    changes.append({"lengths": shifted})
    prints = {dataclasses.replace(drawings, **change).fingerprint() for change in changes}
    prints |= {drawings.subset(np.arange(10)[::-1]).fingerprint(), drawings.subset(np.arange(9)).fingerprint()}
    assert len(prints) == len(changes) + 2
    assert drawings.fingerprint() not in prints


def test_categories_of_a_model():
    drawings = drawings_of([[(1, 2, 1)]] * 3, ("pig", "face", "cat"), category=[0, 2, 0])
    translated = drawings.with_categories(("ant", "cat", "pig"))  # no drawing is of the unknown face
    assert isinstance(translated, Drawings)
    assert translated.categories == ("ant", "cat", "pig")
    assert [translated.categories[place] for place in translated.category] == ["pig", "cat", "pig"]
    with pytest.raises(DatasetError, match=r"expected categories of the model, found 'cat', 'pig'$"):
        drawings.with_categories(("ant", "bee"))
    many = drawings_of([[(1, 2, 1)]] * 5, tuple("abcde"), category=range(5))
    with pytest.raises(DatasetError, match=r"'a', 'b', 'c' and 2 more$"):
        many.with_categories(("x", "y"))


def test_fitted_drawings_fill_the_box():
    x_min, y_min, x_max, y_max = fit_to_box(scribble(3, size=31.0)).bounds()
    assert (x_min, y_min) == (0.0, 0.0)
    assert max(x_max, y_max) == pytest.approx(255.0)
