"""Training of pocket-sep: words, mixtures, losses, and a few steps on synthesised sounds that resume."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from core.pool import POOL
from core.sep import QueriedSeparator
from core.sep_files import read_separator
from core.sep_metrics import si_sdr
from core.sep_network import maps, mask_logits, query_vectors
from core.sep_spectrogram import HOP, Resynthesis, Transform, unwarp
from training.pocket_sep import pack, presence
from training.pocket_sep.labels import labels
from training.pocket_sep.losses import (
    fidelity_loss,
    in_cells,
    label_loss,
    noise_invariant_loss,
    plain_loss,
    targets_of,
    weights_of,
)
from training.pocket_sep.mixtures import Clips, Queries, draw_mixture, energies_of, filtered, pictures_of, spectra_of
from training.pocket_sep.presence import logistic, ridge
from training.pocket_sep.queries import text_sha256
from training.pocket_sep.sounds import label_of
from training.pocket_sep.train import Recipe, Run, loss_of, make_batch, train
from training.synth.sounds import SOUNDS, render

NAMES = ("flute", "rain", "drum", "dog")
TINY = Recipe(steps=3, batch=2, frames=128, widths=(4,) * 7, channels=4, up_widths=(4,) * 5, listeners=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    rows, pieces, start = [], [], 0
    for name in NAMES:
        for seed in range(3):
            wave = render(name if name in SOUNDS else "footsteps", seed, seconds=1.0)
            pieces.append(np.round(wave * 32767).astype(np.int16))
            split = "held_out" if seed == 2 else "train"
            rows.append({"label": name, "set": "synth", "path": f"{name}/{seed}", "split": split})
            rows[-1] |= {"start": start, "length": len(wave)}
            start += len(wave)
    np.save(folder / "clips.npy", np.concatenate(pieces))
    (folder / "clips.json").write_text(json.dumps(rows))
    rng = np.random.default_rng(0)
    texts = {f"text/{name}": _unit(rng.standard_normal((3, 6))) for name in NAMES}
    np.savez(folder / "queries.npz", **texts, **{"picture/dog": _unit(rng.standard_normal((2, 6)))})
    return folder


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_every_label_has_words_that_are_not_trained() -> None:
    rows = labels()
    assert len({row.name for row in rows}) == len(rows) > 60
    for row in rows:
        trained = {row.name, *row.paraphrases}
        assert len(row.held_out) >= 2 and not trained & set(row.held_out), row.name
        assert row.queries()[0] == row.name
    assert set(SOUNDS) <= {row.name for row in rows}


@pytest.mark.parametrize(
    "path, label",
    [
        ("philharmonia/audio/flute/flute_A4_025_forte_normal.mp3", "flute"),
        ("philharmonia/audio/flute/flute_A4_phrase_forte_normal.mp3", None),
        ("philharmonia/audio/percussion/snare drum__025_forte_with-snares.mp3", "drum"),
        ("animals/Kedi-Part1/kedi_3.wav", "cat"),
        ("digits/recordings/7_jackson_3.wav", "speech"),
        ("tonejs/berklee/malevoice_aah_A4.mp3", "man's voice"),
        ("tonejs/berklee/glass1.mp3", "glass"),
        ("tonejs/berklee/GlassBreak1.mp3", "glass"),
        ("tonejs/salamander/A0.mp3", "piano"),
        ("tonejs/salamander/A0.ogg", None),
        ("tonejs/impulse-responses/x.mp3", None),
    ],
)
def test_labels_of_files(path: str, label: str | None) -> None:
    assert label_of(path) == label


def test_mixtures_are_seeded_levelled_and_of_two_families(data: Path) -> None:
    clips = Clips(data, "train")
    first, again = (draw_mixture(clips, 2, 20_000, np.random.default_rng(3), one_family=0.0) for _ in range(2))
    assert np.array_equal(first.sources, again.sources) and first.names == again.names
    assert first.sources.shape == (2, 20_000)
    for seed in range(20):
        drawn = draw_mixture(clips, 2, 20_000, np.random.default_rng(seed), one_family=0.0, jitter_db=0.0)
        assert len({clips.family[name] for name in drawn.names}) == 2
        assert np.sqrt((drawn.sources**2).mean(1)) == pytest.approx([0.1, 0.1], rel=0.05)


def test_splits_share_no_sound(data: Path) -> None:
    clips = {split: Clips(data, split) for split in ("train", "held_out")}  # type: ignore[arg-type]
    spans = {
        split: {span for by_set in c._by_label.values() for rows in by_set.values() for span in rows}
        for split, c in clips.items()
    }
    assert not spans["train"] & spans["held_out"]
    assert len(spans["train"]) == 2 * len(spans["held_out"])


def test_varied_clips_are_at_most_two_semitones_off(data: Path) -> None:
    clips, rng = Clips(data, "train"), np.random.default_rng(0)
    whole = {len(clips.clip("flute", 10**6, rng)) for _ in range(9)}
    lengths = [len(clips.clip("flute", 10**6, rng, 1.0)) for _ in range(40)]
    assert len(whole) == 1  # a second each
    ratios = np.array(lengths) / whole.pop()
    assert 0.885 < ratios.min() < 0.95 and 1.05 < ratios.max() < 1.13
    assert {len(clips.clip("flute", 1000, rng, 1.0)) for _ in range(20)} == {1000}


def test_filter_keeps_the_level_and_changes_the_sound(rng: np.random.Generator) -> None:
    noise = (rng.standard_normal((2, 20, 513)) + 1j * rng.standard_normal((2, 20, 513))).astype(np.complex64)
    assert np.array_equal(filtered(noise, 0.0, rng), noise)
    found = filtered(noise, 1.0, rng)
    assert np.allclose((np.abs(found) ** 2).sum((1, 2)), (np.abs(noise) ** 2).sum((1, 2)), rtol=1e-4)
    gains = np.abs(found) / np.abs(noise)
    assert np.allclose(gains, gains[:, :1], rtol=1e-4) and gains.std() > 0.05  # of the frequency alone


def test_a_grown_network_begins_with_the_answers_of_the_smaller(data: Path, tmp_path: Path) -> None:
    small = replace(TINY, listeners=0, varied_share=0.0)
    run = Run(small, data)
    train(run, tmp_path)
    grown = Run(replace(small, channels=6, up_widths=(6,) * 5, listeners=1), data)
    grown.begin_with(tmp_path / "checkpoint.pt")
    run.net.load_state_dict(run.average.weights)
    batch = make_batch(run.clips, run.queries, small, np.random.default_rng(0))
    with torch.no_grad():
        own, found = (
            mask_logits(one.net.eval(), maps(one.net, batch.pictures), query_vectors(one.net, batch.queries))
            for one in (run, grown)
        )
    assert float(own.std()) > 0.05
    assert torch.allclose(own, found, atol=0.2)  # new maps are heard a twentieth


def test_pictures_of_a_sum(data: Path) -> None:
    sources = draw_mixture(Clips(data, "train"), 2, 128 * HOP, np.random.default_rng(0)).sources
    mixture, own = pictures_of(spectra_of(sources))
    assert mixture.shape == (256, 128) and own.shape == (2, 256, 128)
    assert np.allclose(pictures_of(spectra_of(sources[:1]))[0], own[0], atol=1e-4)
    assert (mixture <= own.sum(0) + 1e-3).all()


def test_fidelity_is_the_si_sdr_of_what_would_be_heard(data: Path) -> None:
    sources = draw_mixture(Clips(data, "train"), 2, 128 * HOP, np.random.default_rng(5)).sources
    spectra, transform = spectra_of(sources), Transform()
    rows = np.linspace(-2, 2, 256, dtype=np.float32)[:, None].repeat(128, 1)  # a mask that changes slowly over rows
    told = -10 * fidelity_loss(
        torch.from_numpy(rows)[None, None],
        torch.from_numpy(energies_of(spectra)[[0, 2]])[None],
        torch.tensor([[(np.abs(spectra[0]) ** 2).sum()]]),
    )
    masked = unwarp(1 / (1 + np.exp(-rows.T)), transform.frequency_hz) * spectra.sum(0)
    back = Resynthesis(transform, 128 * HOP, 1)
    heard = np.concatenate([back.add(np.concatenate([masked, masked[-1:]])[None]), back.finish()])[:, 0]
    assert float(told) == pytest.approx(si_sdr(sources[0], heard), abs=0.5)


def test_fidelity_of_the_mixture_itself_is_the_sources_share() -> None:
    energies = torch.tensor([[[[3.0, 1.0]], [[5.0, 3.0]]]])  # Re(S Mix*), |Mix|^2 over two bins
    found = fidelity_loss(torch.full((1, 1, 1, 2), 30.0), energies, torch.tensor([[4.0]]))
    square = (3 + 1) ** 2 / ((5 + 3) * 4)
    assert float(found) == pytest.approx(-np.log10(square / (1 - square)), rel=1e-5)


def test_targets_and_weights() -> None:
    mixture = torch.tensor([[[[1.0, 2.0], [4.0, 1e9]]]])
    sources = torch.tensor([[[[0.6, 0.9], [4.4, 0.0]]]])
    assert targets_of(sources, mixture).flatten().tolist() == [1, 0, 1, 0]
    assert targets_of(sources, mixture, is_ratio=True).flatten().tolist() == pytest.approx([0.6, 0.45, 1.0, 0.0])
    assert weights_of(torch.tensor([[[[1.0, 4.0, 9.0]]]])).flatten().tolist() == pytest.approx([0.5, 1.0, 1.5])


def test_cells_hold_the_weighted_mean_of_their_bins() -> None:
    values, weights = torch.zeros(1, 1, 4, 8), torch.ones(1, 1, 4, 8)
    values[0, 0, 0, 0], weights[0, 0, 0, 0] = 1.0, 17.0
    mean, weight = in_cells(values, weights, 4)
    assert mean.flatten().tolist() == pytest.approx([17 / 32, 0.0])
    assert weight.flatten().tolist() == pytest.approx([2.0, 1.0])
    assert in_cells(values, weights, 1) == (values, weights)


def test_label_loss_is_cross_entropy_cell_by_cell() -> None:
    torch.manual_seed(0)
    logits, weights = torch.randn(1, 5, 2, 3), torch.rand(1, 1, 2, 3)
    chosen, shares = torch.tensor([[3, 1]]), torch.rand(1, 2, 2, 3)
    shares = shares / shares.sum(1, keepdim=True)
    total = 0.0
    for row in range(2):
        for column in range(3):
            logs = logits[0, :, row, column].log_softmax(0)
            truth = sum(float(shares[0, n, row, column] * logs[chosen[0, n]]) for n in range(2))
            total -= float(weights[0, 0, row, column]) * truth
    assert float(label_loss(logits, shares, chosen, weights)) == pytest.approx(total / 6, rel=1e-5)


def test_noise_invariant_loss_takes_the_better_way_round() -> None:
    torch.manual_seed(0)
    targets = (torch.rand(3, 2, 4, 4) > 0.5).float()
    weights = torch.ones(3, 1, 4, 4)
    logits, noise = torch.randn(3, 2, 4, 4) - 1, torch.randn(3, 2, 4, 4) - 4
    found = noise_invariant_loss(logits, noise, targets, weights)
    assert torch.isclose(found, noise_invariant_loss(logits, noise.flip(1), targets, weights))
    silent = torch.full_like(noise, -40.0)
    plain = plain_loss(logits, targets, weights)
    assert torch.isclose(noise_invariant_loss(logits, silent, targets, weights), plain, atol=1e-5)
    greedy = noise_invariant_loss(logits, torch.full_like(noise, 9.0), torch.ones_like(targets), weights)
    assert greedy > 0.1 * (2 - 0.25) - 0.01  # perfect masks, but the penalty holds


def test_a_query_of_an_absent_sound_must_be_empty(data: Path) -> None:
    run = Run(TINY, data)
    batch = make_batch(run.clips, run.queries, TINY, np.random.default_rng(0))
    count = batch.sources.shape[1]
    assert batch.queries.shape == (2, count + 1, 6) and batch.pictures.shape == (2, 1, 256, 128)
    assert float(batch.pictures.min()) >= -8.0 - 1e-6
    with_absent, _ = loss_of(run.net.eval(), batch, TINY)
    without, _ = loss_of(run.net, batch, replace(TINY, absent_share=0.0))
    assert with_absent > without


@pytest.mark.parametrize("is_noise_invariant", [False, True])
def test_training_runs_resumes_and_repeats(data: Path, tmp_path: Path, is_noise_invariant: bool) -> None:
    recipe = replace(TINY, is_noise_invariant=is_noise_invariant)
    whole = Run(recipe, data)
    train(whole, tmp_path)
    half = Run(replace(recipe), data)
    for _ in range(2):
        half.advance()
    half.save(tmp_path / "half.pt")
    other = Run(replace(recipe, seed=9), data)
    other.load(tmp_path / "half.pt")
    other.recipe = recipe
    other.advance()
    assert other.step == 3
    for name, tensor in whole.net.state_dict().items():
        assert torch.allclose(tensor, other.net.state_dict()[name], atol=1e-6), name
    assert (tmp_path / "checkpoint.pt").exists()


def test_pictures_stand_in_for_words_where_there_are_some(data: Path) -> None:
    queries, rng = Queries(data), np.random.default_rng(0)
    assert queries.has("dog", "picture") and not queries.has("flute", "picture")
    assert queries.draw("flute", "picture", rng).shape == (6,)
    assert any(np.allclose(queries.draw("dog", "picture", rng), queries._rows["picture/dog"][0]) for _ in range(20))


def test_ridge_is_the_same_among_rows_and_among_columns(rng: np.random.Generator) -> None:
    inputs, targets, weights = rng.standard_normal((6, 9)), rng.standard_normal((6, 2)), rng.uniform(0.5, 2, 6)
    found = ridge(inputs, targets, 0.7, weights)
    diagonal = np.diag(weights)
    twin = np.linalg.solve(inputs.T @ diagonal @ inputs + 0.7 * np.eye(9), inputs.T @ diagonal @ targets)
    assert np.abs(found - twin).max() < 1e-10
    assert (
        np.abs(
            ridge(inputs[:, :4], targets, 0.7) - ridge(np.c_[inputs[:, :4], np.zeros((6, 5))], targets, 0.7)[:4]
        ).max()
        < 1e-10
    )


def test_logistic_curve_finds_where_both_are_alike(rng: np.random.Generator) -> None:
    scores = np.concatenate([rng.normal(1, 1, 40_000), rng.normal(-1, 1, 10_000)])
    slope, offset = logistic(scores, np.repeat([1.0, 0.0], [40_000, 10_000]))
    assert slope == pytest.approx(2.0, abs=0.1) and offset == pytest.approx(0.0, abs=0.05)


def test_a_run_is_packed_with_a_head_that_hears(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(TINY, data)
    (tmp_path / "recipe.json").write_text(json.dumps({"steps": 3}))
    (tmp_path / "log.csv").write_text("3,6,1.0,1.0,0.5,0.5,0.001\n")
    run.save(tmp_path / "checkpoint.pt")
    (data / "queries.json").write_text(json.dumps({"sha256": "0", "text_sha256": "0"}))
    monkeypatch.setattr(presence, "CHECKED", 9)
    words = ["pack", "--run", str(tmp_path), "--data", str(data), "--out", str(tmp_path / "out"), "--mixtures", "12"]
    monkeypatch.setattr(sys, "argv", words)
    pack.main()
    net, sizes, usage = read_separator(tmp_path / "out", "Tiny")
    assert sizes.presence_labels == len(NAMES) and 0 <= usage.heard_from <= 1
    model, queries = QueriedSeparator("tiny", net, sizes, usage), Queries(data)
    drawn = draw_mixture(run.clips, 2, 256 * HOP, np.random.default_rng(1))
    mixture, _ = pictures_of(spectra_of(drawn.sources))
    found = model.listen(np.log(mixture).T, np.stack([queries.name(name) for name in NAMES]))
    assert found.presence.shape[0] == len(NAMES) and np.ptp(found.presence) > 0
    assert ((found.presence >= 0) & (found.presence <= 1)).all()


def test_packed_model_was_trained_on_the_bundled_query_model(repository: Path) -> None:
    config = repository / "assets" / "models" / "pocket-sep" / "config.json"
    if not config.exists():
        pytest.skip("pocket-sep is not packed yet")
    usage = json.loads(config.read_text())["usage"]
    weights = repository / "assets" / "models" / usage["query_model"] / "model.safetensors"
    assert text_sha256(weights) == usage["query_text_sha256"]


def test_the_hash_of_a_text_tower_sees_its_tensors_only(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path, image, text in zip(paths, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), strict=True):
        save_file({"vision_model.a": np.full(3, image), "text_model.b": np.full(3, text)}, path)
    first, other_image, other_text = map(text_sha256, paths)
    assert first == other_image != other_text


def test_names_of_the_head_are_those_of_the_labels() -> None:
    """What queries lean to lies where the encoder has the label's own name, nearer than any other label's."""
    with POOL.use("pocket-sep") as separator, POOL.use("pocket-clip") as clip:
        names = clip.encode_texts(list(separator.usage.labels))
        lean = separator.label_embeddings
    assert lean.shape == names.shape
    np.testing.assert_allclose(np.linalg.norm(lean, axis=1), 1, atol=1e-5)
    assert ((lean @ names.T).argmax(1) == np.arange(len(names))).mean() > 0.95
