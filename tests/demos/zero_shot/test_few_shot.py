"""The Gaussian classifier: the card's numbers, its slow twin, and what must hold for any examples."""

from __future__ import annotations

import time

import numpy as np
import pytest

from demos.zero_shot.few_shot import (
    ALPHAS,
    MAX_LEFT_OUT,
    alpha_of_weight,
    choose_alpha,
    class_means,
    combined,
    fit,
    left_out_scores,
)

X = np.array([[1, 0], [0.8, 0.6], [0, 1], [-0.6, 0.8]])
Y = np.array([0, 0, 1, 1])
NO_TEXTS = np.zeros((2, 2))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def fitted(features: np.ndarray, owners: np.ndarray, classes: int | None = None):
    texts = np.zeros((classes or owners.max() + 1, features.shape[1]))
    return fit(features, owners, class_means(features, owners, texts))


def clusters(rng: np.random.Generator, classes: int, shots: int, dim: int, spread: float = 0.5):
    """Unit features around unit centres, and their owners."""
    centres = unit(rng.standard_normal((classes, dim)))
    owners = np.repeat(np.arange(classes), shots)
    return unit(centres[owners] + spread * unit(rng.standard_normal((len(owners), dim)))), owners, centres


def test_oracle() -> None:
    gaussians = fitted(X, Y)
    assert np.allclose(gaussians.precision, 6 * np.eye(2))
    assert np.allclose(gaussians.weights, [[5.4, -1.8], [1.8, 5.4]])
    assert np.allclose(gaussians.bias, -3.39315, atol=1e-5)
    scores = gaussians.scores(np.array([[0.6, 0.8]]))
    assert np.allclose(scores, [[1.28685, -0.15315]], atol=1e-5)
    shares = np.exp(scores) / np.exp(scores).sum()
    assert np.allclose(shares, [[0.80845, 0.19155]], atol=1e-5)


def test_equals_the_slow_twin(rng: np.random.Generator) -> None:
    """Written as in the paper, with cov() and pinv(), class by class."""
    features, owners, _ = clusters(rng, 3, 4, 20)
    means = [features[owners == c].mean(0) for c in range(3)]
    sigma = np.cov((features - np.array(means)[owners]).T)
    precision = 20 * np.linalg.pinv(11 * sigma + np.trace(sigma) * np.eye(20))
    q = unit(rng.standard_normal(20))
    slow = [q @ precision @ m + np.log(1 / 3) - m @ precision @ m / 2 for m in means]
    assert np.allclose(fitted(features, owners).scores(q[None])[0], slow)


def test_fewer_examples_than_dimensions_are_fine(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 2, 2, 64)
    eigenvalues = np.linalg.eigvalsh(fitted(features[:3], owners[:3]).precision)
    assert eigenvalues.min() > 0


def test_single_shot_has_precision_one() -> None:
    gaussians = fitted(np.eye(3), np.arange(3))
    assert not gaussians.has_spread
    assert np.array_equal(gaussians.precision, np.eye(3))
    assert gaussians.scores(np.array([[0.1, 0.9, 0.2]]))[0].argmax() == 1


def test_same_picture_twice_is_a_single_shot() -> None:
    assert np.array_equal(fitted(np.repeat(np.eye(2), 3, axis=0), np.repeat([0, 1], 3)).precision, np.eye(2))


def test_alpha_zero_is_zero_shot(rng: np.random.Generator) -> None:
    zero_shot = rng.standard_normal((4, 3)).astype(np.float32)
    assert np.array_equal(combined(zero_shot, rng.standard_normal((4, 3)), 0.0), zero_shot)


def test_permuting_classes_permutes_scores(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 4, 3, 16)
    order = np.array([2, 0, 3, 1])  # new class k is old class order[k]
    renamed = np.argsort(order)[owners]
    before, after = fitted(features, owners).scores(features), fitted(features, renamed).scores(features)
    assert np.allclose(before[:, order], after)


def test_order_of_examples_does_not_matter(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 3, 4, 10)
    shuffle = rng.permutation(12)
    a, b = fitted(features, owners), fitted(features[shuffle], owners[shuffle])
    assert np.allclose(a.weights, b.weights) and np.allclose(a.bias, b.bias)


def test_clusters_are_told_apart(rng: np.random.Generator) -> None:
    features, owners, centres = clusters(rng, 5, 8, 32)
    fresh = unit(centres[owners] + 0.5 * unit(rng.standard_normal((40, 32))))
    assert (fitted(features, owners).scores(fresh).argmax(1) == owners).mean() >= 0.95


def test_mean_of_a_class_without_example_is_its_text_moved_by_the_gap() -> None:
    texts = np.eye(4)[:3]
    gap = np.array([0, 0, 0, 1.0])
    features = unit(texts[:2] + gap)
    means = class_means(features, np.array([0, 1]), texts)
    assert np.allclose(means[:2], features)
    wanted = texts[2] + (features - texts[:2]).mean(0)
    assert np.allclose(means[2], unit(wanted)) and means[2] @ features[0] > texts[2] @ features[0]


def test_guessed_class_wins_for_its_own_kind(rng: np.random.Generator) -> None:
    """Pictures = texts + gap + noise; the third class has a name only and is still found."""
    texts, gap = np.eye(12)[:3], 2 * np.eye(12)[11]
    owners = np.repeat([0, 1], 5)
    features = unit(texts[owners] + gap + 0.1 * rng.standard_normal((10, 12)))
    gaussians = fit(features, owners, class_means(features, owners, texts))
    fresh = unit(texts[2] + gap + 0.1 * rng.standard_normal((20, 12)))
    assert (gaussians.scores(fresh).argmax(1) == 2).mean() >= 0.9


def test_leaving_out_equals_fitting_without(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 3, 3, 40)  # N + C < D: goes through the short coordinates
    texts = unit(rng.standard_normal((3, 40)))
    fast, is_counted = left_out_scores(features, owners, texts)
    assert is_counted.all()
    for i in range(9):
        kept = np.arange(9) != i
        means = class_means(features[kept], owners[kept], texts)
        slow = fit(features[kept], owners[kept], means).scores(features[i : i + 1])[0]
        assert np.allclose(fast[i], slow, rtol=1e-6, atol=1e-8)


def test_many_examples_are_left_out_in_folds_that_keep_every_class(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 5, 16, 24)
    scores, is_counted = left_out_scores(features, owners, unit(rng.standard_normal((5, 24))))
    assert len(features) > MAX_LEFT_OUT and is_counted.all() and (scores.argmax(1) == owners).mean() > 0.9


def test_lonely_examples_do_not_count(rng: np.random.Generator) -> None:
    features = unit(rng.standard_normal((5, 8)))
    _, is_counted = left_out_scores(features, np.array([0, 1, 1, 1, 2]), np.eye(8)[:3])
    assert is_counted.tolist() == [False, True, True, True, False]


def test_alpha_is_large_when_names_mislead_and_small_when_examples_do(rng: np.random.Generator) -> None:
    features, owners, _ = clusters(rng, 3, 6, 32)
    texts = unit(rng.standard_normal((3, 32)))
    right, wrong = np.eye(3)[owners] * 12.0, np.eye(3)[(owners + 1) % 3] * 4.0
    assert choose_alpha(features, owners, texts, wrong) >= 0.01
    noise = unit(rng.standard_normal((18, 32)))
    assert choose_alpha(noise, owners, texts, right) <= 0.01


def test_no_alpha_is_tried_without_anything_to_leave_out() -> None:
    texts = np.eye(3)[:2]
    assert choose_alpha(np.eye(3)[:2], np.array([0, 1]), texts, np.zeros((2, 2))) is None
    assert choose_alpha(np.eye(3)[:1], np.array([0]), texts, np.zeros((1, 2))) is None


def test_a_single_pair_is_not_judged_by_scores_of_another_size(rng: np.random.Generator) -> None:
    """Leaving one of the pair out leaves single shots, whose P is I."""
    features = unit(rng.standard_normal((4, 16)))
    assert choose_alpha(features, np.array([0, 0, 1, 2]), np.eye(16)[:3], np.zeros((4, 3))) is None


def test_untried_weight_does_not_depend_on_the_size_of_p(rng: np.random.Generator) -> None:
    single = fitted(np.eye(16)[:2], np.array([0, 1]))
    assert alpha_of_weight(single, 25.0, 0.04) == pytest.approx(1.0)
    features, owners, _ = clusters(rng, 2, 2, 16)
    several = fitted(features, owners)
    size = np.linalg.eigvalsh(several.precision).mean()
    assert size > 5 and alpha_of_weight(several, 25.0, 0.04) * size == pytest.approx(1.0)


@pytest.mark.parametrize("dim, classes", [(512, 10), (768, 20)])
def test_sixteen_shots_are_ready_at_once(dim: int, classes: int, rng: np.random.Generator) -> None:
    features, owners, centres = clusters(rng, classes, 16, dim)
    start_s = time.process_time()  # not the wall: other work on the machine is no fault of this
    alpha = choose_alpha(features, owners, centres, features @ centres.T * 100)
    fitted(features, owners)
    assert time.process_time() - start_s < 5 and alpha in ALPHAS
