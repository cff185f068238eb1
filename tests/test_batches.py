import numpy as np
import pytest
import torch
from builders import random_drawings, rows_of_drawing
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.sketch.sketch import END, stroke5_from_stroke3
from sketchrnn.training.batches import (
    Augmentation,
    AugmentationNoise,
    Collator,
    augment,
    batch_stream,
    epoch_batches,
    few_of_each,
    length_order_batches,
)
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers

DRAWINGS = random_drawings(30, categories=("pig", "face"))


AMOUNTS = Augmentation(scale=0.15, rotation=10.0, shear=0.1, drop=0.4)


def collate(index, offset_scale, **settings):
    """The batch, as NumPy arrays."""
    batch = Collator(DRAWINGS, offset_scale).collate(np.array(index), **settings)
    return batch.stroke5.numpy(), batch.lengths.numpy(), batch.category.numpy()


@given(st.lists(st.integers(0, 29), min_size=1, max_size=8), st.sampled_from([1.0, 26.5]), st.integers(0, 20))
def test_collate_is_a_loop_over_drawings(index, offset_scale, pad_to):
    stroke5, lengths, category = collate(index, offset_scale, pad_to=pad_to)
    alone = []
    for place in index:
        rows = rows_of_drawing(DRAWINGS, place)
        rows[:, :2] /= offset_scale
        alone.append(stroke5_from_stroke3(rows))
    longest = max(pad_to, *DRAWINGS.lengths[index]) + 2
    assert stroke5.shape == (len(index), longest, 5)
    assert stroke5.dtype == np.float32
    assert lengths.tolist() == DRAWINGS.lengths[index].tolist()
    assert category.tolist() == DRAWINGS.category[index].tolist()
    for ours, theirs in zip(stroke5, alone, strict=True):
        np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=1e-6)
        assert (ours[len(theirs) :] == END).all()


@given(st.integers(0, 1000))
def test_collate_augments_each_drawing(seed):
    index = np.random.default_rng(seed).permutation(30)[:7]
    settings = {"generator": torch.Generator().manual_seed(seed), "augmentation": AMOUNTS}
    stroke5, lengths, _ = collate(index, 10.0, **settings)
    plain, lengths_before, _ = collate(index, 1.0)
    offsets, lifts, expected = augment(
        torch.from_numpy(plain[:, 1:-1, :2]), torch.from_numpy(plain[:, 1:-1, 3] > 0), torch.from_numpy(lengths_before),
        AugmentationNoise.sample(7, int(lengths_before.max()), torch.Generator().manual_seed(seed)), AMOUNTS,
    )  # fmt: skip
    assert lengths.tolist() == expected.tolist()
    assert stroke5.shape[1] == lengths.max() + 2
    real = np.arange(stroke5.shape[1])[None] - 1
    real = (real >= 0) & (real < lengths[:, None])
    kept = np.arange(offsets.shape[1])[None] < lengths[:, None]
    np.testing.assert_allclose(stroke5[real][:, :2], offsets.numpy()[kept] / 10.0, rtol=1e-6)
    np.testing.assert_array_equal(stroke5[real][:, 3], lifts.numpy()[kept])
    assert (stroke5[:, 0] == [0, 0, 1, 0, 0]).all()
    np.testing.assert_array_equal(stroke5[..., 2:].sum(-1), 1)  # one pen state each
    np.testing.assert_array_equal(stroke5[..., 4].sum(1), stroke5.shape[1] - 1 - lengths)


@given(st.integers(0, 1000), st.integers(0, 60))
def test_parts_of_a_batch_are_the_batch(seed, pad_to):
    index = np.random.default_rng(seed).permutation(30)[:7]

    def made(workers):
        generator = torch.Generator().manual_seed(seed)
        part = workers.contiguous_shard(len(index))
        return Collator(DRAWINGS, 2.0).collate(
            index, shard=part, generator=generator, augmentation=AMOUNTS, pad_to=pad_to
        )

    whole, parts = made(ALONE), [made(Workers(rank, 3)) for rank in range(3)]
    assert [len(part) for part in parts] == [2, 2, 3]
    assert all(part.global_batch_size == 7 for part in parts)
    assert torch.cat([part.lengths for part in parts]).tolist() == whole.lengths.tolist()
    assert torch.cat([part.category for part in parts]).tolist() == whole.category.tolist()
    for part in parts:
        longest = part.stroke5.shape[1]
        torch.testing.assert_close(part.stroke5, whole.stroke5[part.shard, :longest])
        assert (whole.stroke5[part.shard, longest:] == torch.tensor(END)).all()  # padded for itself


def test_some_drawings_are_trained_without_their_clarity():
    clarity = np.linspace(-1.0, 1.0, len(DRAWINGS), dtype=np.float32)
    index = np.random.default_rng(1).permutation(len(DRAWINGS))
    collator = Collator(DRAWINGS, 2.0, clarity=clarity)

    def made(workers=ALONE, dropout=0.5):
        part = workers.contiguous_shard(len(index))
        return collator.collate(
            index,
            shard=part,
            generator=torch.Generator().manual_seed(1),
            augmentation=AMOUNTS,
            clarity_dropout=dropout,
        ).clarity

    np.testing.assert_array_equal(made(dropout=0.0), clarity[index])
    known = made().numpy()
    kept = known != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_array_equal(known[kept], clarity[index][kept])
    assert torch.equal(torch.cat([made(Workers(rank, 3)) for rank in range(3)]), made())
    assert collator.collate(index).clarity is None  # an evaluation does not know it
    assert Collator(DRAWINGS, 2.0).collate(index, generator=torch.Generator(), augmentation=AMOUNTS).clarity is None


def test_without_a_generator_nothing_is_augmented():
    index = np.arange(5)
    np.testing.assert_array_equal(collate(index, 1.0)[0], collate(index, 1.0, augmentation=Augmentation(drop=0.9))[0])


@given(st.integers(1, 700), st.integers(1, 40), st.integers(0, 100))
def test_an_epoch_has_each_drawing_once_in_batches_of_about_the_size(count, batch_size, seed):
    lengths = np.random.default_rng(seed).integers(1, 100, count)
    batches = epoch_batches(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    sizes = [len(batch) for batch in batches]
    if count >= batch_size:
        assert batch_size / 2 <= min(sizes)
        assert max(sizes) <= 1.5 * batch_size
    else:
        assert sizes == [count]


def padding_share(lengths, batches):
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    return 1 - lengths.sum() / padded


def test_batches_hold_similar_lengths():
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 200, 5000, np.int32)
    ours = padding_share(lengths, epoch_batches(lengths, 50, generator))
    at_random = padding_share(lengths, np.array_split(generator.permutation(5000), 100))
    assert ours < 0.1 < 0.4 < at_random


def test_a_seed_repeats_the_order_and_another_does_not():
    lengths = np.random.default_rng(0).integers(1, 50, 300, np.int32)
    first, again, other = (epoch_batches(lengths, 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert {frozenset(batch.tolist()) for batch in first} != {frozenset(batch.tolist()) for batch in other}


def test_the_batches_order_does_not_follow_the_length():
    lengths = np.random.default_rng(0).integers(1, 50, 3000, np.int32)
    means = [lengths[batch].mean() for batch in epoch_batches(lengths, 20, np.random.default_rng(1))]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


@given(st.integers(1, 100), st.integers(1, 30))
def test_length_order_has_all_and_the_incomplete_last(count, batch_size):
    lengths = np.random.default_rng(count).integers(1, 9, count)
    batches = length_order_batches(lengths, batch_size)
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(count))
    assert (np.diff(lengths[order]) >= 0).all()
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert len(batches[-1]) == (count % batch_size or batch_size)


@pytest.mark.parametrize("count", [1, 2])
def test_few_drawings_are_one_batch(count):
    assert [len(batch) for batch in epoch_batches(np.ones(count), 100, np.random.default_rng(0))] == [count]


def test_an_epoch_has_at_most_so_many_drawings_of_a_category():
    category = np.repeat(np.array([0, 1, 2], np.int32), [50, 3, 10])
    order = few_of_each(category, 10, np.random.default_rng(0))
    assert np.bincount(category[order]).tolist() == [10, 3, 10]
    assert len(np.unique(order)) == len(order)
    assert not np.array_equal(np.sort(order), order)


def test_an_epoch_of_the_stream_has_few_drawings_of_a_frequent_category():
    drawings = random_drawings(60, categories=("pig", "face"))
    training = TrainingConfiguration(batch_size=5, most_of_a_category=10, augment_drop=0.0)
    stream = batch_stream(drawings, Collator(drawings, 20.0), training, 0, 12)
    for _ in range(2):  # epochs of 20 drawings
        category = torch.cat([next(stream).category for _ in range(4)])
        assert torch.bincount(category).tolist() == [10, 10]
