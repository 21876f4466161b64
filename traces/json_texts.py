"""Goes through the strings and keys of a JSON value; makes them such that PostgreSQL takes them.

Without recursion: what a client sends may be nested deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from config.text import has_unstorable, replace_unstorable

LONGEST_PLACE: Final = 200
LONGEST_KEY_SHOWN: Final = 40
KEY: Final = "(key)"
"""Where a key stands in its object, as a place tells it: the key itself may be what is hidden."""

Change = Callable[[str, str | None, str, str | int], str]
"""Gets a string, its key if it is the value of one, where its container is, and its place there."""

_Step = tuple[Any, Any, str]


def clean_text(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD."""
    return replace_unstorable(text) if has_unstorable(text) else text


def clean_value(value: Any) -> Any:
    """Return the JSON value with every string and key cleaned; the same object if all were clean.

    Of two keys that become equal the second gets a suffix.
    """

    def cleaned(text: str, _key: str | None, _here: str, _at: str | int) -> str:
        return clean_text(text)

    return rebuilt(value, "", cleaned)


def rebuilt(value: Any, place: str, changed: Change) -> Any:
    """Return the value with each string and key as `changed` gives it; itself if none differs."""
    if isinstance(value, str):
        return changed(value, None, place, "")
    if not isinstance(value, dict | list):
        return value
    root: Any = {} if isinstance(value, dict) else []
    todo: list[_Step] = [(value, root, place)]
    differs = False
    while todo:
        source, target, here = todo.pop()
        fill = _fill_object if isinstance(source, dict) else _fill_array
        if fill(source, target, here, todo, changed):
            differs = True
    return root if differs else value


def _fill_object(
    source: dict[str, Any], target: dict[str, Any], here: str, todo: list[_Step], changed: Change
) -> bool:
    differs = False
    taken: dict[str, int] = {}
    for key, item in source.items():
        new_key = changed(key, None, here, KEY)
        if isinstance(item, str):
            new = changed(item, key, here, new_key)
            differs = differs or new is not item
        else:
            new = _copy(item, here, new_key, todo)
        differs = differs or new_key is not key
        target[_free(new_key, target, taken)] = new
    return differs


def _fill_array(
    source: list[Any], target: list[Any], here: str, todo: list[_Step], changed: Change
) -> bool:
    differs = False
    for number, item in enumerate(source):
        if isinstance(item, str):
            new = changed(item, None, here, number)
            differs = differs or new is not item
        else:
            new = _copy(item, here, number, todo)
        target.append(new)
    return differs


def _copy(item: Any, here: str, at: str | int, todo: list[_Step]) -> Any:
    """Return the item, or an empty container that will be filled from it."""
    if not isinstance(item, dict | list):
        return item
    copy: Any = {} if isinstance(item, dict) else []
    todo.append((item, copy, place_of(here, at)))
    return copy


def _free(key: str, target: dict[str, Any], taken: dict[str, int]) -> str:
    if key not in target:
        return key
    number = taken.get(key, 0) + 1
    while (free := f"{key}__{number}") in target:
        number += 1
    taken[key] = number
    return free


def place_of(here: str, at: str | int) -> str:
    """Return the place of an item; its key is given as it is stored, so no secret is in it."""
    if isinstance(at, int):
        return f"{here}[{at}]"[:LONGEST_PLACE]
    if not at:
        return here[:LONGEST_PLACE]
    shown = at if len(at) <= LONGEST_KEY_SHOWN else f"{at[:LONGEST_KEY_SHOWN]}…"
    return clean_text(f"{here}.{shown}"[:LONGEST_PLACE])
