"""Many pictures at once: files and archives read one after the other, and a job that counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from core.archives import read_zip
from core.errors import InputError
from core.images import Picture, read_image
from core.tasks import Job, Step

MAX_PICTURES = 1_000

Source = Path | tuple[str, bytes]  # a file, or a name and its content


def read_sources(
    sources: Iterable[Source], *, note: Callable[[str], None], most: int | None = None, job: Job | None = None
) -> Iterator[tuple[str, Picture | InputError]]:
    """Decode files and the pictures of archives one after the other; a bad one yields its error.

    Args:
        sources: Picture files, ZIP archives, or (name, content) pairs.
        note: Receives sentences about what was left out.
        most: Pictures that are read; the rest is left out with a sentence. None: ``MAX_PICTURES``.
        job: Asked for Cancel before every file.

    Yields:
        Name (for a file of an archive ``archive.zip/name``) and picture or error.
    """
    most, count = MAX_PICTURES if most is None else most, 0
    for name, content in _contents(sources, note, job):
        if count == most:
            note(f"Only the first {most:,} pictures were read; that is the most for one batch.")
            return
        count += 1
        if isinstance(content, InputError):
            yield name, content
            continue
        try:
            yield name, read_image(content, name=name)
        except InputError as error:
            yield name, error


def _contents(
    sources: Iterable[Source], note: Callable[[str], None], job: Job | None
) -> Iterator[tuple[str, Path | bytes | InputError]]:
    """Names and what to decode, archives opened."""
    for source in sources:
        if job is not None:
            job.check()
        if not isinstance(source, Path):
            yield source
        elif is_archive(source):
            try:
                for name, content in read_zip(source, job=job, note=note):
                    yield f"{source.name}/{name}", content
            except InputError as error:
                yield source.name, error
        else:
            yield source.name, source


def is_archive(path: Path) -> bool:
    """Whether a file is to be opened as a ZIP archive: by its ending, or by its first bytes."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def count_of(sources: Sequence[Source], most: int | None = None) -> int | None:
    """How many pictures there will be; None when an archive must be opened to know."""
    has_archive = any(isinstance(source, Path) and is_archive(source) for source in sources)
    return None if has_archive else min(len(sources), MAX_PICTURES if most is None else most)


class PartOfJob(Job):
    """A job inside a job: cancelled with it, and its progress counted on from ``done_before``."""

    def __init__(self, whole: Job, done_before: int, total: int | None, *, is_one_picture: bool = False) -> None:
        """Watch ``whole``.

        Args:
            whole: The job of all pictures.
            done_before: Pictures finished before this part.
            total: Pictures in all, None if not known.
            is_one_picture: The steps of this part count something within one picture; else they count pictures.
        """

        def report(step: Step) -> None:
            done = 0 if is_one_picture else step.done or 0
            whole.step(step.stage, done_before + done, total, unit="pictures", note=step.note)

        super().__init__(report)
        self._whole = whole

    @property
    def is_cancelled(self) -> bool:
        """Whether the whole job was cancelled."""
        return self._whole.is_cancelled

    def cancel(self) -> None:
        """Cancel the whole job."""
        self._whole.cancel()

    def check(self) -> None:
        """Raise Cancelled if the whole job was cancelled."""
        self._whole.check()

    def wait(self, seconds: float) -> None:
        """Sleep as the whole job does."""
        self._whole.wait(seconds)
