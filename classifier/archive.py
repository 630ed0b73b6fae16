"""A whole archive judged in parts, by processes of this machine or of a cluster; restartable.

The inputs are split into parts, once, in their order; that plan lies beside the
results. Whoever works on a part reads its mail and writes its results, under a
temporary name until they are whole: a run that was stopped goes on with the
parts that are missing. The parts one after another are, byte for byte, what
``classify --json`` writes for the same inputs.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.batch import Judging, judged
from classifier.errors import ConfigurationError
from classifier.parallel import Lost, in_order
from classifier.place import Place, is_url
from classifier.present.json import failure, line
from classifier.sources import REFUSED, files_of, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from classifier.sources import SourcedMessage

#: So many files with one message each are one part; an mbox is one by itself.
PART_FILES = 500
#: A file larger than this is one, too.
_LARGE = 4 << 20
PLAN = "plan.json"


@dataclass(frozen=True)
class Part:
    """Some of the inputs, and where their results go."""

    number: int
    paths: tuple[str, ...]

    def name(self, form: str) -> str:
        """Return the name of the file with the results."""
        return f"part-{self.number:06}.{form}"


@dataclass(frozen=True)
class Done:
    """What became of a part.

    Attributes:
        messages: how many it had.
        errors: one line for each that could not be judged.
        notes: what the judge had to do without, where that is news.
        refused: whether a disk or a store did not give some of them; the next run tries again.

    """

    messages: int
    errors: tuple[str, ...]
    notes: tuple[str, ...] = ()
    refused: bool = False


@dataclass(frozen=True)
class PartWork:
    """The work on one part; pickled for other processes."""

    judging: Judging[str]
    place: Place
    form: str

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[Part], Done]]:
        """Open a judge, and give its function for one part."""
        with self.judging.open() as one:

            def judge_part(part: Part) -> Done:
                results = (one(message) for message in messages(part.paths))
                return write_part(self.place, part, self.form, results)

            yield judge_part


def write_part(place: Place, part: Part, form: str, results: Iterable[Any]) -> Done:
    """Write the results of one part; it has its name only when it is whole."""
    lines: list[str] = []
    errors: list[str] = []
    notes: dict[str, None] = {}
    for found in results:
        notes.update(dict.fromkeys(found.notes))
        if found.kept is None:
            errors.append(f"{found.source}: {found.error}")
            lines.append(line(failure(found.source, found.error)))
        else:
            lines.append(found.kept)
    place.write(part.name(form), _parquet(lines) if form == "parquet" else _text(lines))
    return Done(len(lines), tuple(errors), tuple(notes))


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{text}\n" for text in lines).encode("ascii")


_COLUMNS = ("source", "kind", "verdict", "probability", "action", "model", "error")


def _parquet(lines: Sequence[str]) -> bytes:
    """Return a table with a row a message: what one asks for most as columns, and the whole object."""
    import pyarrow as pa  # noqa: PLC0415 - with this form only
    from pyarrow import parquet  # noqa: PLC0415 - likewise

    objects = [json.loads(text) for text in lines]
    types = {name: pa.float64() if name == "probability" else pa.string() for name in _COLUMNS}
    table = pa.table(
        {
            **{name: pa.array([o.get(name) for o in objects], kind) for name, kind in types.items()},
            "json": pa.array(list(lines), pa.string()),
        }
    )
    out = pa.BufferOutputStream()
    parquet.write_table(table, out, compression="zstd")
    return bytes(out.getvalue())


def lines_of(content: bytes, form: str) -> Iterator[str]:
    """Yield the JSON of each message in the results of a part.

    Raises:
        ValueError, OSError: they are damaged.

    """
    if form == "parquet":
        import pyarrow as pa  # noqa: PLC0415 - with this form only
        from pyarrow import parquet  # noqa: PLC0415 - likewise

        yield from parquet.read_table(pa.BufferReader(content), columns=["json"])["json"].to_pylist()
    else:
        if content[-1:] != b"\n":
            raise ValueError("cut off")
        yield from content.decode("ascii").splitlines()


def plan(paths: Iterable[str]) -> Iterator[Part]:
    """Split the inputs into parts, in their order."""
    numbers = itertools.count()
    waiting: list[str] = []
    for path in paths:
        for file in files_of(path):
            if _is_large(file):
                if waiting:
                    yield Part(next(numbers), tuple(waiting))
                    waiting = []
                yield Part(next(numbers), (file,))
            else:
                waiting.append(file)
                if len(waiting) >= PART_FILES:
                    yield Part(next(numbers), tuple(waiting))
                    waiting = []
    if waiting:
        yield Part(next(numbers), tuple(waiting))


def _is_large(path: str) -> bool:
    """Say whether a file is a part by itself: an mbox by its name or its size."""
    if ".mbox" in os.path.basename(path).lower():  # noqa: PTH119 - see sources
        return True
    try:
        return not is_url(path) and os.stat(path).st_size > _LARGE  # noqa: PTH116 - likewise
    except OSError:
        return False


def planned(place: Place, paths: Sequence[str], form: str) -> list[Part]:
    """Return the parts: those of the run that began here, else new ones.

    Raises:
        ConfigurationError: results of other inputs, or in another form, lie there.

    """
    asked = hashlib.sha256(json.dumps([form, *paths]).encode()).hexdigest()
    content = place.read(PLAN)
    if content is None:
        parts = list(plan(paths))
        place.write(PLAN, json.dumps({"asked": asked, "parts": [p.paths for p in parts]}).encode())
        return parts
    try:
        known = json.loads(content)
        parts = [Part(number, tuple(names)) for number, names in enumerate(known["parts"])]
        same = known["asked"] == asked
    except (ValueError, TypeError, KeyError):
        same = False
    if not same:
        raise ConfigurationError(
            "holds the results of another run", where=str(place), remedy="name an empty folder with --output"
        )
    return parts


def judge_archive(
    judging: Judging[str],
    place: Place,
    form: str,
    parts: Sequence[Part],
    *,
    jobs: int | None = None,
    executor: Callable[[], Executor] | None = None,
) -> Generator[Done]:
    """Judge the *parts* that are not there yet; yield what became of each, those of earlier runs first.

    A part whose process died is judged anew message by message, so that the
    one that killed it costs itself alone.
    """
    there = set(place.names())
    missing = []
    for part in parts:
        before = _before(place, part, form) if part.name(form) in there else None
        if before is not None and not before.refused:
            yield before
        else:
            missing.append(part)
    work = PartWork(judging, place, form)
    # A part may take hours: whoever ends the run does not wait for it, and it has no name before it is whole.
    results = in_order(work, missing, jobs=jobs, chunk_items=1, executor=executor, writes=False)
    with contextlib.closing(results):
        for part, done in results:
            if isinstance(done, Lost):
                yield write_part(place, part, form, _singly(judging, part, jobs, executor))
            else:
                yield done


def _singly(
    judging: Judging[str], part: Part, jobs: int | None, executor: Callable[[], Executor] | None
) -> Iterator[Any]:
    found: Iterable[SourcedMessage] = messages(part.paths)
    # One process more than none: what killed one must not be judged here.
    return judged(judging.config, judging.use, found, judging.keep, jobs=max(2, jobs or 2), executor=executor)


def _before(place: Place, part: Part, form: str) -> Done | None:
    """Read what an earlier run found; None where that is cut off or damaged."""
    text, count, errors, refused = "{}", 0, [], False
    try:
        for text in lines_of(place.read(part.name(form)) or b"", form):
            count += 1
            if '"error"' in text and "error" in (value := json.loads(text)):
                errors.append(f"{value['source']}: {value['error']}")
                refused = refused or value["error"].startswith(REFUSED)
        source = str(json.loads(text).get("source"))
    except (ValueError, OSError, AttributeError, KeyError, TypeError):  # the first two are pyarrow's, too
        return None
    last = str(json.loads(line({"source": part.paths[-1]}))["source"])
    if source != last and not source.startswith(f"{last}#"):
        return None
    return Done(count, tuple(errors), refused=refused)
