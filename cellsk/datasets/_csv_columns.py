"""The columns of images and of labels in a csv file."""

from __future__ import annotations

from collections.abc import Collection

from cellsk._checks import count_noun, name_some
from cellsk.datasets._column_names import (
    CLASS_COLUMNS,
    GROUP_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    find_known,
    fold_name,
    is_other_column,
)
from cellsk.datasets._csv_table import CsvTable, ImageLookup
from cellsk.exceptions import InputError

__all__ = [
    "check_first_line",
    "choose_image_column",
    "choose_label_columns",
    "find_named",
    "read_flag",
]

_MANY_ROWS = 10  # from here on, the values of a class repeat
_MAX_UNIQUE = 2 / 3  # of the rows of a column that is called label have different values
_MAX_NUMBERS = 20  # more different numbers are measurements


def find_named(table: CsvTable, name: str, parameter: str, code: str) -> int:
    """Return the place of the column that the caller names.

    Raises
    ------
    ValueError
        If there is no such column, or there are several.
    """
    places = [place for place, column in enumerate(table.header) if column == name]
    if not places:
        folded = [fold_name(column) for column in table.header]
        places = [place for place, column in enumerate(folded) if column == fold_name(name)]
    if len(places) == 1:
        return places[0]
    raise InputError(
        f"must name one column of {table.path!r}",
        f"{name!r}, and the columns are {_list_columns(table)}",
        "Pass one of these.",
        parameter=parameter,
        code=code,
    )


def choose_image_column(
    table: CsvTable, lookup: ImageLookup, *, given: str | None, taken: Collection[int] = ()
) -> int:
    """Return the place of the column that names the images.

    It is the column that is given; else a column with a known name; else the only other column
    whose cells all name images. A known name such as ``id`` counts only if its cells name images,
    or if no other column does.

    Raises
    ------
    ValueError
        If there is no such column, or several columns are possible.
    """
    if given is not None:
        return find_named(table, given, "image_column", "image-column-unknown")
    known = [place for place in find_known(table.header, IMAGE_COLUMNS) if place not in taken]
    naming = [place for place in known if lookup.is_named_by(table.cells(place))]
    if naming:
        return naming[0]
    others = [
        place
        for place in range(len(table.header))
        if place not in taken and place not in known and not _is_group(table.header[place])
    ]
    fitting = [place for place in others if lookup.is_named_by(table.cells(place))]
    if len(fitting) == 1:
        return fitting[0]
    if known and not fitting:
        return known[0]
    count = count_noun(len(fitting), "column") if fitting else "no column"
    raise _describe_unclear(table, f"{count} whose cells name the images", "image")


def _is_group(name: str) -> bool:
    return bool(find_known([name], GROUP_COLUMNS))


def choose_label_columns(
    table: CsvTable, image: int, *, given: str | None, group: int | None
) -> list[int]:
    """Return the place of the column of labels, or of the columns of a one-hot table.

    It is the column that is given; else a column with a known name; else the only column left
    after images, patients, sites, coordinates and the like; else all columns left, if all their
    cells are 0 or 1.

    Raises
    ------
    ValueError
        If it is not clear which column holds the labels, or known columns do not agree.
    """
    if given is not None:
        place = find_named(table, given, "label_column", "label-column-unknown")
        if place != image:
            return [place]
        raise _describe_unclear(table, f"{given!r}, which names the images")
    known = [
        place
        for place in find_known(table.header, (*LABEL_COLUMNS, *CLASS_COLUMNS))
        if place not in (image, group) and not _is_coordinate(table, place)
    ]
    if find_known((table.header[place] for place in known), LABEL_COLUMNS):
        _check_once(table, known[0])
        _check_rivals(table, known)
        _check_repeated(table, known[0])
        return known[:1]
    left = _find_left(table, image, group)
    if len(left) == 1:
        _check_classes(table, left[0])
        return left
    if len(left) > 1 and all(_is_binary(table.cells(place)) for place in left):
        for place in left:
            _check_once(table, place)
        return left
    what = f"{count_noun(len(left), 'column')} that may hold them" if left else "no such column"
    raise _describe_unclear(table, what)


def _find_left(table: CsvTable, image: int, group: int | None) -> list[int]:
    """Return the columns that are not known to hold something else than labels."""
    known = {image, group, *find_known(table.header, (*IMAGE_COLUMNS, *GROUP_COLUMNS))}
    return [
        place
        for place, name in enumerate(table.header)
        if place not in known and not is_other_column(name)
    ]


def _is_coordinate(table: CsvTable, place: int) -> bool:
    """Return whether the column is `y` beside a column `x`."""
    names = [fold_name(name) for name in table.header]
    return names[place] == "y" and any("x" in name.split("_") for name in names)


def _is_binary(cells: list[str]) -> bool:
    return set(map(read_flag, cells)) <= {True, False}


def read_flag(cell: str) -> bool | None:
    """Return whether a cell of a one-hot table is set, or None if it is neither 0 nor 1."""
    text = cell.casefold()
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return None
    return bool(number) if number in (0, 1) else None


def _check_once(table: CsvTable, place: int) -> None:
    same = [name for name in table.header if fold_name(name) == fold_name(table.header[place])]
    if len(same) > 1:
        raise _describe_unclear(table, f"{count_noun(len(same), 'column')} {same[0]!r}")


def _check_rivals(table: CsvTable, known: list[int]) -> None:
    """Refuse a table whose columns of labels are different divisions of the images.

    They may name the same classes differently, or one may divide the classes of the other.
    """
    labels = table.cells(known[0])
    for place in known[1:]:
        others = table.cells(place)
        pairs = {pair for pair in zip(labels, others, strict=True) if all(pair)}
        n_first, n_other = (
            (len(set(side)) for side in zip(*pairs, strict=True)) if pairs else (0, 0)
        )
        if len(pairs) > max(n_first, n_other) and _describe_measured(others) is None:
            first, other = table.header[known[0]], table.header[place]
            raise _describe_unclear(
                table, f"columns {first!r} and {other!r}, whose labels do not agree"
            )


def _check_classes(table: CsvTable, place: int) -> None:
    """Refuse measurements and texts of which few repeat: they are not classes."""
    what = _describe_measured(table.cells(place))
    if what is not None:
        raise _describe_unclear(table, f"only {table.header[place]!r} left, with {what}")


def _check_repeated(table: CsvTable, place: int) -> None:
    """Refuse a column of labels in which few repeat: measurements, ids, file names or dates."""
    values = table.cells(place)
    different = set(values)
    n_fractions = sum(_is_number(value) and not float(value).is_integer() for value in different)
    unique = len(values) >= _MANY_ROWS and len(different) > _MAX_UNIQUE * len(values)
    if unique or n_fractions > _MANY_ROWS:
        raise _describe_unclear(
            table,
            f"{table.header[place]!r} with {len(different):,} different values in"
            f" {len(values):,} rows, such as {name_some(sorted(different), 2)}",
        )


def _describe_measured(values: list[str]) -> str | None:
    """Return what values are that cannot be classes, or None if they can."""
    different = set(values)
    numbers = [value for value in different if _is_number(value)]
    whole = all(float(value).is_integer() for value in numbers)
    measured = len(numbers) == len(different) and (len(numbers) > _MAX_NUMBERS or not whole)
    unique = len(values) >= _MANY_ROWS and len(different) > len(values) / 2
    if not measured and not unique:
        return None
    kind = "numbers" if measured else "values"
    return f"{len(different):,} different {kind} in {len(values):,} rows"


def _is_number(text: str) -> bool:
    try:
        return float(text) - float(text) == 0  # not NaN, not infinite
    except ValueError:
        return False


def _describe_unclear(table: CsvTable, what: str, kind: str = "label") -> InputError:
    """Return the error that the column of labels or of images is not clear."""
    known = {"label": "label", "image": "file"}[kind]
    return InputError(
        f"The column of {kind}s must be clear in {table.path!r}",
        f"{what}, of {_list_columns(table)}",
        f"Pass {kind}_column= with one of these, or name it {known!r}.",
        code=f"{kind}-column-unclear",
        values={"columns": table.header},
    )


def _list_columns(table: CsvTable) -> str:
    return ", ".join(map(repr, table.header))


def check_first_line(table: CsvTable, lookup: ImageLookup, parameter: str) -> None:
    """Refuse a table whose first line describes an image, as its header is missing.

    Raises
    ------
    ValueError
        If a cell of the first line names an image.
    """
    if find_known(table.header, IMAGE_COLUMNS):
        return
    first = next((cell for cell in table.header if lookup.find(cell)), None)
    if first is not None:
        second = "label" if parameter == "labels" else "patient"
        raise InputError(
            "must be a csv file with a header",
            f"{table.path!r}, whose first line describes the image {first!r}",
            f"Add a line above it, such as 'file,{second}'.",
            parameter=parameter,
        )
