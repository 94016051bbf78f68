"""Patients or slides, told from the paths of images."""

from __future__ import annotations

import re

from cellsk._checks import count_noun


def check_group_source(group_pattern: object, groups: object, csv_path: str | None) -> None:
    """Raise unless at most one source of groups is named, and rightly.

    Raises
    ------
    TypeError, ValueError
        When two are named, or one that cannot be.
    """
    if group_pattern is not None and groups is not None:
        raise ValueError(
            "Groups must come from group_pattern or from groups. Got both,"
            f" group_pattern={group_pattern!r} and groups={groups!r}. Leave one out."
        )
    if group_pattern is not None:
        _compile_pattern(group_pattern)
    if groups is not None and (isinstance(groups, bool) or not isinstance(groups, (str, int))):
        raise TypeError(
            "groups must be the name of a csv column, or a folder level (0 is the first below"
            f" folder). Got {groups!r}. Pass one of these, or group_pattern."
        )
    if isinstance(groups, str) and csv_path is None:
        raise ValueError(
            f"groups must be a folder level where labels is no csv file. Got {groups!r}. Pass"
            " labels='labels.csv', a number such as groups=-1, or group_pattern."
        )


def _compile_pattern(pattern: object) -> re.Pattern[str]:
    rule = "group_pattern must be a regular expression, such as r'(patient\\d+)'."
    if not isinstance(pattern, (str, re.Pattern)):
        raise TypeError(f"{rule} Got {pattern!r}. Pass a str.")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{rule} Got {pattern!r}, which is none ({error}). Correct it.") from None


def match_groups(pattern: str | re.Pattern[str], paths: list[str]) -> list[str]:
    """Return what the pattern finds in each path.

    Raises
    ------
    ValueError
        When it finds nothing in some of them.
    """
    compiled = _compile_pattern(pattern)
    group: str | int = "group" if "group" in compiled.groupindex else min(compiled.groups, 1)
    matches = [compiled.search(path) for path in paths]
    # An optional group, or a pattern that matches nothing at all, finds no patient either.
    groups = [match[group] if match else None for match in matches]
    missed = [path for path, name in zip(paths, groups, strict=True) if not name]
    if missed:
        raise ValueError(
            f"group_pattern must find a group in every path. Got {compiled.pattern!r}, which"
            f" finds none in {len(missed):,} of {count_noun(len(paths), 'path')}. First:"
            f" {missed[0]!r}. Correct the pattern, or move these files away."
        )
    return [name for name in groups if name]


def take_folder_level(level: int, paths: list[str]) -> list[str]:
    """Return the name of the folder at one level of each path.

    Raises
    ------
    ValueError
        When some paths have no such level.
    """
    folders = [path.split("/")[:-1] for path in paths]
    missed = [
        path
        for path, names in zip(paths, folders, strict=True)
        if not -len(names) <= level < len(names)
    ]
    if missed:
        raise ValueError(
            f"groups must be a folder level that every path has. Got groups={level}, too deep"
            f" for {len(missed):,} of {count_noun(len(paths), 'path')}. First: {missed[0]!r}."
            " Pass another level (0 is the first folder, -1 the last), or group_pattern."
        )
    return [names[level] for names in folders]
