from typing import Any

import numpy as np
import pytest
import torch
from builders import random_rows
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.training import batches
from sketchrnn.training.batches import KEPT_ROWS, Augmentation, AugmentationNoise


def some_drawings(seed, count=5, longest=14):
    generator = np.random.default_rng(seed)
    rows = [random_rows(generator, int(length)) for length in generator.integers(1, longest + 1, count)]
    for array in rows[::2]:
        array[-1, 2] = 0.0  # unfinished: only the drawing's border ends its last stroke
    stacked = np.concatenate(rows)
    lengths = np.array([len(array) for array in rows])
    return stacked[:, :2].astype(np.float32), stacked[:, 2] > 0.5, lengths


def by_loop(offsets, lifts, lengths, factors, noise, drop):
    """The same, a row at a time: for each drawing its rows (dx, dy, lift)."""
    results, row = [], 0
    for length, factor in zip(lengths, factors, strict=True):
        result: list[Any] = []
        place = 0
        for _ in range(length):
            offset = offsets[row] * factor
            if drop and place >= KEPT_ROWS and not lifts[row] and noise[row] < drop:
                result[-1][0] += offset[0]
                result[-1][1] += offset[1]
            else:
                result.append([offset[0], offset[1], float(lifts[row])])
            place = 0 if lifts[row] else place + 1
            row += 1
        results.append(result)
    return results


def augment(offsets, lifts, lengths, seed, **amounts):
    """The same without padding: the drawings one behind the other."""
    real = np.arange(lengths.max())[None] < lengths[:, None]
    padded_offsets = np.zeros((*real.shape, 2), np.float32)
    padded_lifts = np.zeros(real.shape, bool)
    padded_offsets[real], padded_lifts[real] = offsets, lifts
    tensors = (torch.from_numpy(padded_offsets), torch.from_numpy(padded_lifts), torch.from_numpy(lengths))
    noise = AugmentationNoise.sample(len(lengths), int(lengths.max()), torch.Generator().manual_seed(seed))
    results = [value.numpy() for value in batches.augment(*tensors, noise, Augmentation(**amounts))]
    real = np.arange(results[1].shape[1])[None] < results[2][:, None]
    assert not results[0][~real].any()
    assert not results[1][~real].any()
    return results[0][real], results[1][real], results[2]


def draws(lengths, seed, scale):
    """What the generator gives: each drawing's factors (drawings, 2), and each row's chance."""
    generator = torch.Generator().manual_seed(seed)
    factors = 1.0 - scale + 2.0 * scale * torch.rand(len(lengths), 2, generator=generator).numpy()
    torch.rand(2, len(lengths), 1, generator=generator)  # angle and shear
    noise = torch.rand(len(lengths), int(lengths.max()), generator=generator).numpy()
    return factors, noise[np.arange(noise.shape[1])[None] < lengths[:, None]]


def cut(offsets, lifts, lengths):
    """A list of stroke-3 arrays."""
    rows = np.column_stack([offsets.astype(np.float64), lifts])
    return np.split(rows, np.cumsum(lengths)[:-1])


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.5, 0.99]))
def test_it_is_the_loop_over_rows(seed, drop):
    offsets, lifts, lengths = some_drawings(seed)
    factors, noise = draws(lengths, seed, 0.15)
    results = augment(offsets, lifts, lengths, seed, scale=0.15, drop=drop)
    expected = by_loop(offsets, lifts, lengths, factors, noise, drop)
    assert results[2].tolist() == [len(rows) for rows in expected]
    for ours, theirs in zip(cut(*results), expected, strict=True):
        np.testing.assert_allclose(ours, np.array(theirs), atol=1e-3)


@given(st.integers(0, 10_000), st.floats(0.0, 0.9))
def test_dropping_keeps_the_shape(seed, drop):
    offsets, lifts, lengths = some_drawings(seed)
    results = augment(offsets, lifts, lengths, seed, drop=drop)
    assert results[2].sum() == len(results[0]) == len(results[1])
    for after, before in zip(cut(*results), cut(offsets, lifts, lengths), strict=True):
        points_after, points_before = after[:, :2].cumsum(0), before[:, :2].cumsum(0)
        # as many strokes, each ending where it did; the drawing too, so that no offset crossed its border
        np.testing.assert_allclose(points_after[after[:, 2] == 1], points_before[before[:, 2] == 1], atol=1e-3)
        np.testing.assert_allclose(points_after[-1], points_before[-1], atol=1e-3)
        # every point that is left stood there before, in the same order
        place = 0
        for point in points_after:
            while not np.allclose(points_before[place], point, atol=1e-3):
                place += 1
            place += 1
        # the first point of each stroke, and as many rows as are never dropped
        for stroke_after, stroke_before in zip(strokes(after), strokes(before), strict=True):
            assert len(stroke_after) >= min(len(stroke_before), KEPT_ROWS)
            np.testing.assert_array_equal(stroke_after[0], stroke_before[0])


def strokes(rows):
    return np.split(rows, np.flatnonzero(rows[:-1, 2]) + 1)


def test_at_least_two_points_begin_each_stroke():
    assert KEPT_ROWS >= 2


def test_points_are_dropped_as_often_as_asked():
    length = 20_000
    lifts = np.zeros(length, bool)
    lifts[-1] = True
    results = augment(np.ones((length, 2), np.float32), lifts, np.array([length]), 0, drop=0.1)
    assert 1 - results[2][0] / length == pytest.approx(0.1, abs=0.01)


@given(st.integers(0, 10_000), st.floats(0.0, 0.9))
def test_without_dropping_each_axis_of_each_drawing_is_stretched(seed, scale):
    offsets, lifts, lengths = some_drawings(seed)
    results = augment(offsets, lifts, lengths, seed, scale=scale)
    np.testing.assert_array_equal(results[1], lifts)
    np.testing.assert_array_equal(results[2], lengths)
    for after, before in zip(cut(*results), cut(offsets, lifts, lengths), strict=True):
        for axis in (0, 1):
            moved = before[:, axis] != 0
            factors = after[moved, axis] / before[moved, axis]
            assert not after[~moved, axis].any()
            assert np.ptp(factors, axis=None) < 1e-5 if moved.any() else True
            assert ((1 - scale - 1e-6 <= factors) & (factors <= 1 + scale + 1e-6)).all()


def test_axes_and_drawings_are_stretched_differently():
    count = 2000
    offsets, lifts, lengths = np.ones((count, 2), np.float32), np.ones(count, bool), np.ones(count, np.int64)
    factors, *_ = augment(offsets, lifts, lengths, 0, scale=0.15)
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.1
    assert factors.min() == pytest.approx(0.85, abs=0.003)
    assert factors.max() == pytest.approx(1.15, abs=0.003)
    assert factors.dtype == np.float32


@given(st.integers(0, 10_000), st.floats(0.0, 60.0), st.floats(0.0, 0.5))
def test_each_drawing_is_slanted_then_turned(seed, rotation, shear):
    offsets, lifts, lengths = some_drawings(seed)
    results = augment(offsets, lifts, lengths, seed, rotation=rotation, shear=shear)
    generator = torch.Generator().manual_seed(seed)
    torch.rand(len(lengths), 2, generator=generator)
    amounts = 2 * torch.rand(2, len(lengths), 1, generator=generator).numpy()[..., 0] - 1
    for after, before, angle, slant in zip(
        cut(*results), cut(offsets, lifts, lengths), np.radians(rotation) * amounts[0], shear * amounts[1], strict=True
    ):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        expected = before[:, :2] @ (turn @ np.array([[1, slant], [0, 1]])).T
        np.testing.assert_allclose(after[:, :2], expected, atol=1e-3)
        np.testing.assert_array_equal(after[:, 2], before[:, 2])


def test_the_input_is_left_alone():
    offsets, lifts, lengths = some_drawings(1)
    before = offsets.copy(), lifts.copy(), lengths.copy()
    augment(offsets, lifts, lengths, 0, scale=0.15, drop=0.5)
    for ours, theirs in zip((offsets, lifts, lengths), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_some_drawings_are_mirrored_from_left_to_right():
    offsets, lifts, lengths = some_drawings(3, count=40)
    mirrored, _, _ = augment(offsets, lifts, lengths, 0, mirror=0.5)
    signs = set()
    for before, after in zip(cut(offsets, lifts, lengths), cut(mirrored, lifts, lengths), strict=True):
        np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
        sign = 1.0 if np.array_equal(after[:, 0], before[:, 0]) else -1.0
        np.testing.assert_array_equal(after[:, 0], sign * before[:, 0])
        signs.add(sign)
    assert signs == {1.0, -1.0}
    np.testing.assert_array_equal(augment(offsets, lifts, lengths, 0, mirror=0.0)[0], offsets)
