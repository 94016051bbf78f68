"""Patients or slides, read from the paths of images."""

from __future__ import annotations

import re

from cellsk._checks import count_noun, name_some
from cellsk._class_words import is_missing_word
from cellsk._columns import normalize_name
from cellsk.exceptions import InputError, InputTypeError

__all__ = ["check_group_source", "match_groups", "read_folder_level"]


def check_group_source(group_pattern: object, groups: object, csv_path: str | None) -> None:
    """Raise unless at most one source of groups is named, and it can be used.

    Raises
    ------
    TypeError, ValueError
        If two sources are named, or one that cannot be used.
    """
    if group_pattern is not None and groups is not None:
        raise InputError(
            "The groups must come from one source",
            f"the pattern {group_pattern!r} and the column or folder level {groups!r}",
            "Pass group_pattern or groups.",
            code="groups-twice",
        )
    if group_pattern is not None:
        _compile_pattern(group_pattern)
    if groups is not None and (isinstance(groups, bool) or not isinstance(groups, (str, int))):
        raise InputTypeError(
            "must be the name of a csv column, or a folder level (0 is the first below folder)",
            repr(groups),
            "Pass one of these, or group_pattern.",
            parameter="groups",
            code="groups-kind",
        )
    if isinstance(groups, str) and csv_path is None:
        raise InputError(
            "must be a folder level if the labels do not come from a csv file",
            repr(groups),
            "Pass labels='labels.csv', a number such as groups=-1, or group_pattern.",
            parameter="groups",
            code="groups-need-csv",
        )


def _compile_pattern(pattern: object) -> re.Pattern[str]:
    rule = "must be a regular expression, such as r'(patient\\d+)'"
    if not isinstance(pattern, (str, re.Pattern)):
        raise InputTypeError(rule, repr(pattern), "Pass a str.", parameter="group_pattern")
    try:
        return re.compile(pattern)
    except re.error as error:
        got = f"{pattern!r}, which is not valid ({error})"
        raise InputError(rule, got, "Correct it.", parameter="group_pattern") from None


def match_groups(pattern: str | re.Pattern[str], paths: list[str]) -> list[str]:
    """Return the group that the pattern finds in each path.

    Raises
    ------
    ValueError
        If it finds none in some of them.
    """
    compiled = _compile_pattern(pattern)
    group: str | int = "group" if "group" in compiled.groupindex else min(compiled.groups, 1)
    matches = [compiled.search(path) for path in paths]
    # An optional group or a pattern may match the empty string, and "unknown" is not a patient.
    groups = [(match[group] if match else None) or "" for match in matches]
    missed = [
        path
        for path, name in zip(paths, groups, strict=True)
        if is_missing_word(name, patient=True)
    ]
    if missed:
        raise InputError(
            "must find a patient in every path",
            f"{compiled.pattern!r}, which finds none in {len(missed):,} of"
            f" {count_noun(len(paths), 'path')}. First: {missed[0]!r}",
            "Correct the pattern, or move these files away.",
            parameter="group_pattern",
            code="group-pattern-no-match",
        )
    return list(map(normalize_name, groups))


def read_folder_level(level: int, paths: list[str]) -> list[str]:
    """Return the name of the folder at one level of each path.

    Raises
    ------
    ValueError
        If some paths have no such level, or a folder is not a patient, such as "unknown".
    """
    folders = [path.split("/")[:-1] for path in paths]
    missed = [
        path
        for path, names in zip(paths, folders, strict=True)
        if not -len(names) <= level < len(names)
    ]
    if missed:
        raise InputError(
            "must be a folder level that every path has",
            f"{level}, too deep for {len(missed):,} of {count_noun(len(paths), 'path')}. First:"
            f" {missed[0]!r}",
            "Pass another level (0 is the first folder, -1 the last), or group_pattern.",
            parameter="groups",
            code="groups-level",
        )
    groups = [names[level] for names in folders]
    missing = sorted({name for name in groups if is_missing_word(name, patient=True)})
    if missing:
        count = sum(name in missing for name in groups)
        raise InputError(
            "must be a folder level whose folders are patients",
            f"{level}, with {count_noun(count, 'image')} in {name_some(missing)}",
            "Move these images away, or into folders of their patients.",
            parameter="groups",
            code="groups-folder-missing",
        )
    return list(map(normalize_name, groups))
