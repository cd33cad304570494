"""Toybox toys, views, captions and shards: properties that every class and picture must have."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("numba", reason="Toybox needs numba (requirements-train.txt)")

from training.toybox.camera import orbit
from training.toybox.captions import count_phrases, part_phrases, plural_part, relation, with_article
from training.toybox.classes import BY_NAME, CLASSES, SHELVES, TOYS, toy_class
from training.toybox.examples import EXAMPLES, compose
from training.toybox.kit import Kit, build_toy, choose_look
from training.toybox.light import Light, Quality
from training.toybox.mesh import signed_volume
from training.toybox.palette import COLOURS, PATTERNS, named_rgb
from training.toybox.raster import rasterise
from training.toybox.render import SceneObject, render
from training.toybox.scene import Placed, Scene
from training.toybox.shards import picture, write_shards
from training.toybox.stage import STAGES, make_stage
from training.toybox.views import (
    HELD_OUT_DEG,
    SECTOR_DEG,
    draw_azimuth,
    draw_colour,
    frame_points,
    is_held_out_pair,
    picture_rng,
    random_scene,
    render_scene,
    render_single,
)  # fmt: skip

ROUGH = Quality(supersampling=1, n_sun=1, n_sky=3, map_side=24)


def test_at_least_eighty_classes_each_on_one_shelf():
    assert len(CLASSES) == len(set(CLASSES)) >= 80
    assert sorted(row.name for shelf in SHELVES for row in shelf.TOYS) == sorted(CLASSES)
    for row in TOYS:
        assert set(row.colours) <= set(COLOURS), row.name
        assert 0 < row.size_m[0] < row.size_m[1] < 0.5 and 0 <= row.elevation_deg[0] < row.elevation_deg[1] <= 80


def test_unknown_class_and_stage_are_refused_by_name():
    with pytest.raises(ValueError, match="gryphon"):
        toy_class("gryphon")
    with pytest.raises(ValueError, match="moon"):
        make_stage("moon", 1.0, np.random.default_rng(0))


@pytest.mark.parametrize("row", TOYS, ids=lambda row: row.name.replace(" ", "-"))
def test_every_class_is_solid_named_and_seen_from_eight_sides(row):
    toy = build_toy(row, np.random.default_rng(7))
    used = toy.vertices[np.unique(toy.faces)]
    assert np.ptp(used, axis=0).max() == pytest.approx(1.0) and used[:, 2].min() == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(toy.normals).all() and len(toy.parts) >= 1 and all(part.name for part in toy.parts)
    for azimuth in range(0, 360, 45):
        camera = orbit((0, 0, toy.height / 2), 3.5, azimuth + 11, 25, width_px=40)
        local = toy.vertices @ camera.world_to_cam[:3, :3].T + camera.world_to_cam[:3, 3]
        args = (local, toy.faces, camera.fx, camera.fy, camera.cx, camera.cy, 40, 40)
        every, index, _ = rasterise(*args, False)
        front, _, _ = rasterise(*args, True)
        seen = index >= 0
        assert seen.sum() > 4  # a kite on edge is thin
        # Were a part open or inside out, its nearest face would be a back face.
        assert (front[seen] > every[seen] + 0.01).mean() < 0.01


def test_closed_parts_enclose_a_positive_volume():
    open_parts = {"inside", "stripe", "ball", "balloon", "canopy", "body", "pan", "bowl", "vase", "cup"}
    for row in TOYS:
        rng = np.random.default_rng(3)
        kit = Kit(rng, *choose_look(row, "blue", rng))
        row.build(kit)
        for name, mesh, _ in kit.tray:
            assert name in open_parts or signed_volume(mesh) > 0, f"{row.name}: {name}"


def test_same_seed_gives_the_same_bits_and_another_seed_another_picture():
    first, second = (render_single("teapot", np.random.default_rng(5), 48, quality=ROUGH) for _ in range(2))
    assert (first.rgb == second.rgb).all() and (first.parts == second.parts).all() and first.captions == second.captions
    assert (render_single("teapot", np.random.default_rng(6), 48, quality=ROUGH).rgb != first.rgb).any()


def test_masks_depth_and_parts_agree():
    view = render_scene(np.random.default_rng(8), 96, 4, quality=ROUGH)
    assert view.rgb.shape == (96, 96, 3) and view.rgb.dtype == np.uint8
    assert ((view.parts > 0) == (view.instances > 0)).all()
    owner = {label.id: label.object_id for label in view.part_labels} | {0: 0}
    assert (np.vectorize(owner.get)(view.parts) == view.instances).all()
    assert np.isfinite(view.depth[view.instances > 0]).all() and view.depth.min() > 0
    for thing in view.objects:
        mask = view.instances == thing.id
        assert mask.sum() == thing.pixels
        if thing.pixels:
            x0, y0, x1, y1 = thing.box_xyxy
            assert mask[y0:y1, x0:x1].sum() == thing.pixels


def test_single_view_shows_its_class_well():
    for k, name in enumerate(("mug", "key", "guitar", "bicycle", "umbrella")):
        view = render_single(name, np.random.default_rng(k), 64, colour="red", quality=ROUGH)
        assert view.objects[0].class_name == name and view.objects[0].colour == "red"
        assert 0.02 < (view.instances > 0).mean() < 0.98
        border = np.concatenate([view.instances[0], view.instances[-1], view.instances[:, 0], view.instances[:, -1]])
        assert (border > 0).mean() < 0.1


def test_photo_backdrop_shows_through():
    photo = np.zeros((32, 32, 3), np.uint8)
    photo[..., 2] = 200
    view = render_single("dice", np.random.default_rng(0), 64, photo=photo, quality=ROUGH)
    assert view.stage == "photo" and view.rgb[0, 0, 2] > 90 and view.rgb[0, 0, 0] < 12


@pytest.mark.parametrize("name", [stage for stage in STAGES if stage != "photo"])
def test_every_stage_lies_behind_the_toy(name):
    view = render_single("ball", np.random.default_rng(1), 40, stage=name, quality=ROUGH)
    assert view.stage == name and view.rgb[view.instances == 0].std() >= 0


# ---- captions ----


def thing(identity: int, name: str, colour: str, u: float, *, depth: float = 1.0, on: int | None = None) -> SceneObject:
    box = (int(u) - 10, 40, int(u) + 10, 60)
    return SceneObject(identity, name, colour, "", 0.1, (0, 0, 0), 300, box, (u, 50.0), depth, on)


def test_articles_plurals_and_counts():
    assert with_article("orange car") == "an orange car" and with_article("hourglass") == "an hourglass"
    assert plural_part("foot") == "feet" and plural_part("branch") == "branches" and plural_part("wheel") == "wheels"
    group = [thing(1, "cherry", "red", 10), thing(2, "cherry", "red", 40), thing(3, "mug", "blue", 70)]
    assert count_phrases(group) == ["two red cherries", "a blue mug"]
    assert count_phrases([thing(1, "scissors", "red", 10)]) == ["red scissors"]


def test_relations_follow_pixels_depth_and_support():
    left, right = thing(1, "duck", "yellow", 20), thing(2, "bottle", "green", 80)
    assert relation(left, right, 100) == "left of" and relation(right, left, 100) == "right of"
    near, far = thing(1, "duck", "yellow", 50, depth=0.8), thing(2, "bottle", "green", 52, depth=1.2)
    assert relation(near, far, 100) == "in front of" and relation(far, near, 100) == "behind"
    assert relation(thing(2, "mug", "red", 50, on=1), thing(1, "book", "blue", 50), 100) == "on"
    assert relation(thing(1, "mug", "red", 50), thing(2, "car", "red", 52), 100) is None


def test_captions_name_what_is_there_and_left_is_left():
    for seed in range(6):
        view = render_scene(np.random.default_rng((4, seed)), 96, 3, quality=ROUGH)
        by_name = {f"{t.colour} {t.class_name}": t for t in view.objects}
        seen = [t for t in view.objects if t.pixels > 0.01 * view.instances.size]
        for t in seen:
            assert t.class_name.split()[0] in view.captions[0] or BY_NAME[t.class_name].plural_name in view.captions[0]
        for caption in view.captions:
            for word, sign in ((" left of ", 1), (" right of ", -1)):
                if word in caption:
                    first, second = (text.removeprefix("an ").removeprefix("a ") for text in caption.split(word))
                    u = [by_name[name].centroid_uv[0] for name in (first, second)]
                    assert sign * (u[1] - u[0]) > 0


def test_single_captions_carry_colour_class_and_part():
    view = render_single("snowman", np.random.default_rng(2), 96, colour="white", stage="snow", quality=ROUGH)
    assert view.captions[:3] == ("a white snowman", "a snowman", "a photo of a white snowman")
    assert "a white snowman in the snow" in view.captions
    phrases = {phrase.text: phrase for phrase in part_phrases(view)}
    assert "the head of the white snowman" in phrases
    assert np.isin(view.parts, phrases["the head of the white snowman"].part_ids).sum() >= 12


# ---- splits, shards, examples ----


def test_splits_share_no_viewpoint_no_stream_and_no_held_out_pair():
    rng = np.random.default_rng(0)
    for split, inside in (("train", False), ("held_out", True)):
        for _ in range(100):
            assert (draw_azimuth(rng, split) % SECTOR_DEG >= SECTOR_DEG - HELD_OUT_DEG) is inside or not inside
    azimuths = [draw_azimuth(rng, "train") % SECTOR_DEG for _ in range(300)]
    assert max(azimuths) < SECTOR_DEG - HELD_OUT_DEG
    pairs = [(row, colour) for row in TOYS for colour in COLOURS if is_held_out_pair(row, colour)]
    assert 0.05 < len(pairs) / (len(TOYS) * len(COLOURS)) < 0.15
    row, colour = pairs[0]
    assert colour not in {draw_colour(row, rng, "train") for _ in range(300)}
    assert colour in {draw_colour(row, rng, "held_out") for _ in range(600)}
    assert picture_rng("train", 3).random() != picture_rng("held_out", 3).random()


def test_framed_points_fill_the_asked_share_of_the_picture():
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (200, 3))
    camera = frame_points(points, 30, 20, 0.8, 100)
    uv, _ = camera.project(points)
    assert (uv.max(0) - uv.min(0)).max() == pytest.approx(80, rel=0.03)
    assert (uv.max(0) + uv.min(0)) / 2 == pytest.approx((50, 50), abs=1.5)


def test_scattered_toys_do_not_overlap():
    for seed in range(5):
        scene = random_scene(np.random.default_rng(seed), 6)
        placed = [p for p in scene.objects if p.stands_on is None]
        for i, a in enumerate(placed):
            for b in placed[:i]:
                apart = np.hypot(a.position[0] - b.position[0], a.position[1] - b.position[1])
                assert apart >= 0.99 * (a.radius_m + b.radius_m)


def test_shards_hold_what_was_rendered_and_resume(tmp_path):
    paths = list(write_shards("train", 3, 32, tmp_path))
    assert [path.name for path in paths] == ["toybox_single_train_32_0000000.npz"]
    with np.load(paths[0]) as shard:
        assert shard["rgb"].shape == (3, 32, 32, 3) and shard["instances"].shape == shard["parts"].shape == (3, 32, 32)
        assert shard["class_id"].tolist() == [0, 1, 2] and list(shard["classes"]) == list(CLASSES)
        meta = [json.loads(text) for text in shard["meta"]]
        assert (shard["rgb"][1] == picture("train", 1, 32).rgb).all()
    assert meta[2]["objects"][0]["class"] == CLASSES[2] and CLASSES[2] in meta[2]["captions"][0]
    before = paths[0].stat().st_mtime_ns
    assert next(iter(write_shards("train", 3, 32, tmp_path))).stat().st_mtime_ns == before


def test_colour_names_are_told_apart_by_their_own_tones():
    rng = np.random.default_rng(0)
    middles = np.array([named_rgb(name) for name in COLOURS])
    hits = [
        int(np.argmin(np.linalg.norm(middles - named_rgb(name, rng), axis=1))) == k
        for k, name in enumerate(COLOURS)
        for _ in range(40)
    ]
    assert np.mean(hits) > 0.97 and len(PATTERNS) == len(set(PATTERNS))


def test_examples_fit_their_frame():
    for example in EXAMPLES:
        scene, camera = compose(example, 96)
        view = render(scene, camera, ROUGH)
        assert all(item.pixels > 20 for item in view.objects), example.file
        assert not (view.instances[:, 0] > 0).any() and not (view.instances[:, -1] > 0).any(), example.file


def test_cameras_share_one_scene_consistently():
    toy = build_toy(BY_NAME["dice"], np.random.default_rng(1), "red")
    scene = Scene(
        (Placed(toy, (0.0, 0.0, 0.0), 20.0, 0.1),), make_stage("studio", 0.1, np.random.default_rng(0)), Light()
    )
    corner = scene.objects[0].world_vertices().max(0)
    for azimuth in (0, 80, 200):
        camera = orbit(scene.middle, 0.5, azimuth, 40, width_px=120)
        view = render(scene, camera, ROUGH)
        uv, depth = camera.project(scene.objects[0].world_vertices())
        seen = view.instances == 1
        x0, y0, x1, y1 = view.objects[0].box_xyxy
        assert (x0, y0) == pytest.approx(uv.min(0), abs=1.5) and (x1, y1) == pytest.approx(uv.max(0), abs=1.5)
        assert view.depth[seen].min() >= depth.min() - 1e-4 and view.depth[seen].max() <= depth.max() + 1e-4
    assert corner[2] == pytest.approx(0.1, abs=1e-6)
