"""``cellsk explain``: write pictures of the places that support each prediction."""

from __future__ import annotations

import base64
import csv
import math
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cellsk._checks import count_noun, join_words
from cellsk._files import whole_file
from cellsk._steps import count_steps
from cellsk._text import escape_cell
from cellsk.cli._inputs import expand_inputs, load_classifier
from cellsk.cli._options import (
    OUTPUT,
    PREDICTIONS,
    FollowLinks,
    Force,
    Json,
    SkipUnreadable,
    choice_option,
    count_option,
    option,
)
from cellsk.cli._outputs import check_files, write_json_file
from cellsk.cli._progress import show_steps
from cellsk.cli._terminal import print_note, show_warnings
from cellsk.exceptions import InputError

__all__ = ["explain"]

CHUNK_SIZE = 8  # images that are covered at the same time
PAGE, TABLE, PICTURES = "index.html", "explanations.csv", "pictures"
METHODS = ("hires_cam", "grad_cam", "occlusion")
_OWN_MARK = b'<meta name="generator" content="cellsk">'


def explain(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Model file that cellsk train or search wrote."),
    ],
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES",
            help="Folders with their sub-folders, zip files, or images. - reads paths from"
            " standard input, one per line.",
        ),
    ],
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    target: Annotated[
        str | None,
        option(
            PREDICTIONS,
            "--class",
            metavar="CLASS",
            help="Class to explain.",
            show_default="the predicted class of each image",
        ),
    ] = None,
    method: Annotated[
        str | None,
        choice_option(
            PREDICTIONS,
            METHODS,
            metavar="METHOD",
            help="How to explain",
            show_default="hires_cam and occlusion",
        ),
    ] = None,
    limit: Annotated[
        int, count_option(PREDICTIONS, 1, 100_000, help="Maximum images, evenly spaced.")
    ] = 100,
    output: Annotated[
        Path,
        option(
            OUTPUT,
            "--output",
            metavar="FOLDER",
            help="Folder to write: index.html, explanations.csv, and a picture of each image.",
        ),
    ] = Path("explained"),
    json: Json = None,
    force: Force = False,
) -> None:
    """Show which places of each image support its class."""
    from cellsk.datasets import list_images

    show_warnings()
    check_files({"json": json}, force=force, inputs=[model, *images])
    _check_folder(output, [model, *images], force=force)
    listed = list_images(expand_inputs(images), labels=False, follow_links=follow_links)
    paths = _space_evenly(listed.paths.tolist(), limit)
    pipeline = load_classifier(model)
    options = {"target": _find_label(pipeline, target), "methods": method}
    with tempfile.TemporaryDirectory(prefix="cellsk-") as scratch:
        explainer = _Explainer(pipeline, Path(scratch), options, skip_unreadable=skip_unreadable)
        with show_steps():
            explainer.explain(paths)
        _write_folder(output, explainer, str(model), len(listed.paths))
    explainer.predictor.warn()
    print_note(f"Written: {output / PAGE}, {explainer.describe()}.")
    named = {"model": str(model), "images": list(map(str, images)), "output": str(output)}
    summary = {"n_listed": len(listed.paths), **explainer.summarize()}
    write_json_file(json, "explain", named | summary)


class _Row(NamedTuple):
    """One explained image, and the file of its pixels and its heat."""

    path: str
    predicted: str
    proba: Sequence[float]
    confidence: float
    explained: str
    arrays: Path


class _Explainer:
    """Explains chunks of paths. Pixels and heat are kept in files until the scale is known.

    Parameters
    ----------
    pipeline : classifier or pipeline
        Fitted. It takes paths.
    folder : Path
        Folder of the files.
    options : dict
        Parameters of `explain_images`.
    skip_unreadable : bool
        Whether to leave out files that cannot be decoded.
    """

    def __init__(
        self, pipeline: Any, folder: Path, options: dict[str, Any], *, skip_unreadable: bool
    ) -> None:
        from cellsk.cli._chunks import ChunkPredictor

        self.predictor = ChunkPredictor(pipeline, skip_unreadable=skip_unreadable)
        self.rows: list[_Row] = []
        self._pipeline, self._folder, self._options = pipeline, folder, options
        self._names = [str(label) for label in pipeline.classes_.tolist()]
        self._peaks: dict[str, list[float]] = {}

    def explain(self, paths: Sequence[str]) -> None:
        """Explain all images that can be read.

        Raises
        ------
        TypeError, ValueError, OSError
            When an image cannot be read, or the model cannot be explained.
        """
        chunks = [paths[start : start + CHUNK_SIZE] for start in range(0, len(paths), CHUNK_SIZE)]
        done = (path for chunk in chunks for path in self._explain_chunk(chunk))
        for _ in count_steps(done, "explaining", len(paths), "images"):
            pass

    def _explain_chunk(self, chunk: Sequence[str]) -> Sequence[str]:
        from cellsk.inspection import as_pictures, explain_images, find_peaks

        kept = [chunk[row] for row in self.predictor.predict(chunk).rows]
        if not kept:
            return chunk
        found = explain_images(self._pipeline, kept, **self._options)
        for method, maps in found.heat.items():
            self._peaks.setdefault(method, []).extend(find_peaks(maps))
        for place, (path, picture) in enumerate(zip(kept, as_pictures(found.images), strict=True)):
            arrays = self._folder / f"{len(self.rows)}.npz"
            _save_arrays(arrays, picture, [maps[place] for maps in found.heat.values()])
            self._add(
                path, found.proba[place], found.predicted[place], found.explained[place], arrays
            )
        return chunk

    def _add(self, path: str, proba: Any, predicted: int, explained: int, arrays: Path) -> None:
        named = self._names[predicted], proba.tolist(), float(proba[predicted])
        self.rows.append(_Row(path, *named, self._names[explained], arrays))
        self.predictor.counts[self._names[predicted]] += 1

    @property
    def strongest(self) -> dict[str, float]:
        """Heat of the strongest color, by method."""
        from cellsk.inspection import choose_strongest

        return {method: choose_strongest(peaks) for method, peaks in self._peaks.items()}

    @property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return self._names

    def name_methods(self) -> list[str]:
        """Return the methods as text."""
        from cellsk.inspection import METHOD_NAMES

        return [METHOD_NAMES[method] for method in self._peaks]

    def describe(self) -> str:
        """Return the number of images and the methods."""
        return f"{count_noun(len(self.rows), 'image')} by {join_words(self.name_methods())}"

    def summarize(self) -> dict[str, Any]:
        """Return counts, methods, the scale, and the files that were left out."""
        left_out = sorted(self.predictor.left_out)
        return {
            "n_images": len(self.rows),
            "n_predicted_as": {name: self.predictor.counts[name] for name in self._names},
            "strongest": self.strongest,
            "left_out": [{"file": name, "reason": why} for name, why in left_out],
        }


def _check_folder(folder: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """Refuse a folder that cannot be written, or that cellsk did not write, before the work."""
    place = Path(os.path.realpath(folder))
    if place in {Path(os.path.realpath(path)) for path in inputs}:
        raise InputError(
            "An output must not be a folder that the command reads",
            repr(str(folder)),
            "Name another.",
        )
    if folder.exists() and not folder.is_dir():
        raise InputError("--output must be a folder", f"{str(folder)!r}, a file", "Name another.")
    page = folder / PAGE
    is_own = page.is_file() and _OWN_MARK in page.read_bytes()[:1000]
    if folder.is_dir() and any(folder.iterdir()) and not (force or is_own):
        raise InputError(
            "A folder with files that cellsk did not write is not overwritten",
            repr(str(folder)),
            "Pass --force to write into it, or name another folder.",
            code="output-exists",
        )


def _space_evenly(paths: Sequence[str], limit: int) -> list[str]:
    if len(paths) <= limit:
        return list(paths)
    return [paths[place * len(paths) // limit] for place in range(limit)]


def _find_label(pipeline: Any, name: str | None) -> Any:
    """Return the label of a class by its name."""
    labels = {str(label): label for label in pipeline.classes_.tolist()}
    if name is None or name in labels:
        return labels.get(name or "")
    raise InputError(
        "must be a class of the model",
        repr(name),
        f"Pass one of {', '.join(labels)}.",
        parameter="--class",
    )


def _save_arrays(path: Path, picture: Any, heat: Sequence[Any]) -> None:
    import numpy as np

    np.savez(path, picture=np.asarray(picture, np.float32), heat=np.asarray(heat, np.float32))


def _write_folder(output: Path, explainer: _Explainer, model: str, n_listed: int) -> None:
    """Write the pictures, the table, and last the page, by which the folder is recognized."""
    from cellsk.report import ExplainedImage, render_explanations

    if not explainer.rows:
        raise InputError("At least one image must be readable", "none", "Pass other images.")
    (output / PICTURES).mkdir(parents=True, exist_ok=True)
    names = _name_pictures([row.path for row in explainer.rows])
    shown = [
        ExplainedImage(
            row.path,
            row.predicted,
            row.confidence,
            row.explained,
            _write_picture(row, list(explainer.strongest.values()), output / PICTURES / name),
        )
        for row, name in zip(explainer.rows, names, strict=True)
    ]
    _write_table(output / TABLE, explainer, names)
    fall = explainer.strongest.get("occlusion")
    page = render_explanations(
        shown,
        model=model,
        methods=explainer.name_methods(),
        strongest=None if fall is None else 1 / (1 + math.exp(fall)),
        scale=_draw_scale(),
        n_listed=n_listed,
    )
    with whole_file(output / PAGE) as draft:
        draft.write_text(page, encoding="utf-8", errors="replace")


def _name_pictures(paths: Sequence[str]) -> list[str]:
    """Return a name for each picture: its number, and the name of its file without odd letters."""
    stems = (re.sub(r"[^\w.-]+", "_", Path(path).stem, flags=re.ASCII)[:100] for path in paths)
    return [f"{number:05d}-{stem}.png" for number, stem in enumerate(stems, start=1)]


def _write_picture(row: _Row, strongest: Sequence[float], path: Path) -> str:
    """Write the image beside its maps, and return the same as a smaller file in a data URI."""
    import numpy as np

    from cellsk._codec import encode_image
    from cellsk.inspection import make_strip, shrink_strip

    with np.load(row.arrays) as arrays:
        strip = make_strip(arrays["picture"], arrays["heat"], strongest)
    encode_image(strip, path)
    return _embed(shrink_strip(strip), row.arrays.with_suffix(".jpg"))


def _embed(pixels: Any, scratch: Path) -> str:
    from cellsk._codec import encode_image

    encode_image(pixels, scratch)
    return "data:image/jpeg;base64," + base64.b64encode(scratch.read_bytes()).decode()


def _draw_scale() -> str:
    import numpy as np

    from cellsk.inspection import make_overlay

    colors = make_overlay(np.ones((8, 256)), np.linspace(0, 1, 256)[np.newaxis], 1.0)
    with tempfile.TemporaryDirectory(prefix="cellsk-") as scratch:
        return _embed(np.rint(255 * colors).astype(np.uint8), Path(scratch) / "scale.jpg")


def _write_table(path: Path, explainer: _Explainer, names: Sequence[str]) -> None:
    """Write one row for each image: its file, its picture, and the columns of cellsk predict."""
    header = [escape_cell(f"probability_{name}") for name in explainer.classes]
    with (
        whole_file(path) as draft,
        open(draft, "w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(["path", "picture", "predicted", "explained", *header])
        for row, name in zip(explainer.rows, names, strict=True):
            texts = row.path, f"{PICTURES}/{name}", row.predicted, row.explained
            cells = (escape_cell(text, keep_bytes=True) for text in texts)
            writer.writerow([*cells, *(f"{value:.6f}" for value in row.proba)])
