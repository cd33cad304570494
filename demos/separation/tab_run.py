"""The handlers of the separation tab: from components' values to the pipeline and back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import InputError, ModelUnavailable
from core.images import read_image
from core.pool import POOL
from core.tasks import Job
from demos.base import run_job, status
from demos.separation import present
from demos.separation.frames import read_frames
from demos.separation.judging import Opinion, judge
from demos.separation.loudness import loudness_lufs, matching_gain_db
from demos.separation.options import Depth, Query, SeparateOptions
from demos.separation.pipeline import Separation, listen, read_queries, read_sound, render
from demos.separation.samples import mixed, nearness_db, samples
from demos.separation.sound import Sound
from demos.separation.tab_fields import SoundUpload
from demos.separation.tab_parts import JUDGE, MODEL, Inputs, Parts
from demos.separation.write import file_names, write_wav, write_zip
from demos.widgets import Upload

Updates = Iterator[dict[Any, Any]]
PAGE_WORDS_FROM_VIDEO = "what is seen"


@dataclass(frozen=True, eq=False)
class Shown:
    """The answer on the page: the sliders need its masks, the ZIP its sounds.

    Attributes:
        separation: The sounds.
        depth: Of the files.
        sample: Name of the bundled mixture, where it is one.
        opinions: CLAP's, where it was asked.
        notes: What else the visitor is told.
        files: The file of each track, as Gradio names files.
    """

    separation: Separation
    depth: Depth
    sample: str | None
    opinions: tuple[Opinion | None, ...] = ()
    notes: tuple[str, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)


def options_of(values: Mapping[str, Any]) -> SeparateOptions:
    """Options from the values of ``Inputs``, by name.

    Raises:
        InputError: one is out of range.
    """
    names = {item.name for item in fields(SeparateOptions)}
    found = SeparateOptions(**{name: value for name, value in values.items() if name in names})
    found = replace(found, negative=found.negative or "")
    found.check()
    return found


def source_of(sound: SoundUpload | None, video: str | None, sample: str | None, job: Job) -> Sound:
    """The sound to take apart: the file, the video, or a bundled mixture.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    if sound is not None:
        return read_sound(sound.path, name=sound.name, job=job)
    if video:
        return read_sound(Path(video), job=job)
    if sample:
        return mixed(next(one for one in samples() if one.name == sample))[0]
    raise InputError("There is no sound yet: drop a file, record one, or take one of the examples.")


def sample_handler(parts: Parts) -> Callable[[str | None], tuple[str | None, str, str | None]]:
    """A bundled mixture was chosen: its name, the queries that find its sounds, and a file to listen to."""

    def run(name: str | None) -> tuple[str | None, str, str | None]:
        chosen = next((one for one in samples() if one.name == name), None)
        if chosen is None:
            return name, "", None
        sound, _ = mixed(chosen)
        written = write_wav(sound, _folder(parts) / sound.name, "24")
        return name, "\n".join(part.label for part in chosen.parts), str(written.path)

    return run


def queries_of(words: str, picture: Upload | None, video: str | None) -> tuple[Query, ...]:
    """Words first; a picture, or the frames of a video where no words were given, as one query more.

    Raises:
        InputError: nothing was asked for.
    """
    found = list(read_queries(words)) if words.strip() else []
    if picture is not None:
        found.append(Query(picture.name or "the picture", read_image(picture.source, name=picture.name).rgb))
    elif video and not found:
        first, *others = read_frames(Path(video))
        found.append(Query(PAGE_WORDS_FROM_VIDEO, first, tuple(others)))
    if not found:
        raise InputError("There is no query; name a sound, for example: flute.")
    return tuple(found)


def separate_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /separate and of its button."""

    def separate(
        audio: SoundUpload | None,
        query: str = "flute",
        negative: str = "",
        negative_weight: float = 0.5,
        nearest_label: bool = True,
        strength: float = 1.0,
        softness: float = 1.0,
        above: str = "hold",
        mode: str = "keep",
        depth: Depth = "24",
        is_judged: bool = False,
        picture: Upload | None = None,
        video: str | None = None,
        sample: str | None = None,
    ) -> Updates:
        """Split a sound into what a query names and the rest: two WAV files and the presence of each query.

        Args:
            audio: The sound: WAV, FLAC, MP3, OGG, M4A or AIFF.
            query: What to hear, one a line or comma separated, up to six; the first one's sound comes back.
            negative: What should not be heard.
            negative_weight: How strongly, 0 to 2.
            nearest_label: Lean towards the nearest sound that the model was trained on.
            strength: Exponent of the masks, 0.25 to 4.
            softness: Divides the masks' logits, 0.05 to 4.
            above: Above 8 kHz: "hold", "pass" or "mute".
            mode: "keep" the named sounds, or "remove" them: then the rest is the wanted one.
            depth: Of the WAV files: "16", "24" or "float".
            is_judged: Ask CLAP how much each sound is what was named; downloads 615 MB the first time.
            picture: A picture of what to hear.
            video: A video whose sound is taken apart where there is no audio.
            sample: Name of a bundled mixture, where there is neither.
        """
        values = {
            "negative": negative, "negative_weight": negative_weight, "nearest_label": nearest_label,
            "strength": strength, "softness": softness, "above": above, "mode": mode,
        }  # fmt: skip

        def work(job: Job) -> tuple[Shown, dict[Any, Any]]:
            job.step("checking")
            options = options_of(values)
            queries = queries_of(query or "", picture, video)
            sound = source_of(audio, video, sample, job)
            with POOL.use(MODEL, job=job) as separator, POOL.use(separator.usage.query_model, job=job) as clip:
                heard = listen(sound, queries, options, clip=clip, separator=separator, job=job)
            shown = Shown(render(heard, options, job=job), depth, sample)
            return _answer(parts, with_opinions(shown, job) if is_judged else shown, options, job)

        empty = {parts.stem: None, parts.rest: None, parts.json: None}
        shown, updates = yield from run_job(work, parts.line, always=empty)
        yield {**updates, parts.shown: shown}

    return separate


def again_handler(parts: Parts) -> Callable[..., Updates]:
    """Something was changed that needs no model: new sounds from the stored masks."""
    names = list(Inputs.__dataclass_fields__)

    def again(shown: Shown | None, *given: Any) -> Updates:
        if shown is None:
            yield {parts.line: gr.skip()}
            return
        values = dict(zip(names, given, strict=True))

        def work(job: Job) -> tuple[Shown, dict[Any, Any]]:
            options = options_of(values)
            separation = render(shown.separation.heard, options, job=job)
            newer = replace(shown, separation=separation, depth=values["depth"], opinions=(), notes=())
            return _answer(parts, newer, options, job, before=shown)

        newer, updates = yield from run_job(work, parts.line)
        yield {**updates, parts.shown: newer}

    return again


def with_opinions(shown: Shown, job: Job) -> Shown:
    """Ask CLAP; where it cannot be had, a sentence says so and the sounds stay."""
    try:
        with POOL.use(JUDGE, job=job) as model:
            return replace(shown, opinions=judge(shown.separation, model, job=job))
    except ModelUnavailable as error:
        return replace(shown, notes=(f"CLAP could not be asked: {error}",))


def zip_handler(parts: Parts) -> Callable[[Shown | None], Updates]:
    """All sounds as one archive."""

    def run(shown: Shown | None) -> Updates:
        def work(job: Job) -> Path:
            if shown is None:
                raise InputError("Nothing was separated yet.")
            path = _folder(parts) / "separated.zip"
            write_zip(shown.separation, path, shown.depth, job=job)
            return path

        path = yield from run_job(work, parts.line)
        yield {parts.zip: gr.update(value=str(path), visible=True), parts.line: status("done", "The ZIP is ready.")}

    return run


def _answer(
    parts: Parts, shown: Shown, options: SeparateOptions, job: Job, *, before: Shown | None = None
) -> tuple[Shown, dict[Any, Any]]:
    """Write the files and say what the page shows; those of the answer before, which it takes the place of, go."""
    found = shown.separation
    sounds = (found.heard.sound, *found.stems, found.rest)
    files, notes = _written(parts, shown, before, job)
    levels_lufs = [loudness_lufs(one, job=job) for one in sounds]
    gains_db = [matching_gain_db(own, levels_lufs[0]) for own in levels_lufs]
    value = present.view_value(found, options, files, gains_db, _truths(shown), shown.opinions)
    value["notes"] += [*notes, *shown.notes]
    missing = sum(not one.is_heard for one in found.heard.presence)
    words = "Done." if not missing else f"Done, but {missing} of {len(found.stems)} queries are not heard."
    for name, file in (before.files if before else {}).items():
        if file["path"] != files[name]["path"]:
            Path(file["path"]).unlink(missing_ok=True)
    return replace(shown, files=files), {
        parts.stem: files["stem 0"]["path"],
        parts.rest: files["rest"]["path"],
        parts.json: present.as_json(found, shown.opinions),
        parts.tracks: value,
        parts.line: status("done", words),
    }


def _written(parts: Parts, shown: Shown, before: Shown | None, job: Job) -> tuple[dict[str, Any], list[str]]:
    """A file for every track, and what was done to it; the whole sound is not written a second time."""
    found, folder = shown.separation, _folder(parts)
    titles = ("whole", *file_names([one.query for one in found.heard.presence]), "rest")
    tracks = ("mixture", *(f"stem {i}" for i in range(len(found.stems))), "rest")
    sounds = (found.heard.sound, *found.stems, found.rest)
    files: dict[str, Any] = {}
    notes = []
    for track, title, one in zip(tracks, titles, sounds, strict=True):
        if track == "mixture" and before is not None and before.depth == shown.depth:
            files[track] = before.files[track]
            continue
        job.step("running", len(files), len(tracks), unit="files", note="writing the files")
        written = write_wav(one, folder / f"{title}.wav", shown.depth, job=job)
        files[track] = {"path": str(written.path), "meta": {"_type": "gradio.FileData"}}
        notes += [written.note] if written.note else []
    return files, notes


def _truths(shown: Shown) -> dict[str, tuple[float, float]]:
    """For a bundled mixture: SI-SDR of each stem and of the mixture against the truth, dB."""
    chosen = next((one for one in samples() if one.name == shown.sample), None)
    if chosen is None:
        return {}
    mixture, truths = mixed(chosen)
    if mixture.frames != shown.separation.heard.sound.frames:
        return {}
    by_label = {part.label: truth for part, truth in zip(chosen.parts, truths, strict=True)}
    pairs = zip(shown.separation.heard.presence, shown.separation.stems, strict=True)
    return {one.query: nearness_db(by_label[one.query], mixture, stem) for one, stem in pairs if one.query in by_label}


def _folder(parts: Parts) -> Path:
    """A new folder among Gradio's files, which are removed as Gradio removes those."""
    Path(parts.stem.GRADIO_CACHE).mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="separation-", dir=parts.stem.GRADIO_CACHE))
