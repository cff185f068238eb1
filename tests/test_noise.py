"""Counter-based random numbers."""

from typing import Any

import numpy as np
import pytest

from sketchrnn.model.noise import latent_noise, normal, philox, point_noise, uniform

KNOWN = (  # counter, key, words: kat_vectors of Random123, philox4x32 with 10 rounds
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter, key, words):
    numbers: list[Any] = [tuple(int(word, 16) for word in text.split()) for text in (counter, key, words)]
    assert tuple(philox(numbers[0], numbers[1]).tolist()) == numbers[2]


def test_the_noise_of_a_candidate_does_not_depend_on_the_batch_or_the_order():
    seeds, candidates = np.array([5, 5, 2**32 - 1, 7]), np.array([0, 1, 3, 0])
    together = point_noise(seeds, candidates, 0, 40)
    for number in range(4):
        alone = point_noise(seeds[[number]], candidates[[number]], 16, 8)
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[:, 0], other[16:24, number])
    latent = latent_noise(seeds, candidates, 7)
    np.testing.assert_array_equal(latent_noise(seeds[[2]], candidates[[2]], 5)[0], latent[2, :5])


def test_seeds_candidates_steps_and_streams_differ():
    uniforms, normals = point_noise(np.repeat(np.arange(50), 4), np.tile(np.arange(4), 50), 0, 30)
    latent = latent_noise(np.arange(50), np.zeros(50, np.int64), 8)
    for values in (uniforms, np.concatenate([normals.ravel(), latent.ravel()])):
        assert len(np.unique(values)) == values.size


def test_distributions():
    words = philox((np.arange(100_000), 0, 0, 0), (3, 4))
    numbers = uniform(words)
    assert 0.0 < uniform(np.array([0], np.uint64))[0] < uniform(np.array([2**32 - 1], np.uint64))[0] < 1.0
    np.testing.assert_allclose(np.histogram(numbers, 10, (0, 1))[0] / numbers.size, 0.1, atol=0.002)
    gauss = normal(words[:, 2:])
    np.testing.assert_allclose(gauss.mean(0), 0.0, atol=0.02)
    np.testing.assert_allclose(np.cov(gauss.T), np.eye(2), atol=0.02)
    assert np.mean(np.abs(gauss) < 1.0) == pytest.approx(0.6827, abs=0.005)
