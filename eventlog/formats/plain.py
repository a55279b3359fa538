"""Foreign JSON made fit for our own fields.

What stands in the typed part of an imported event must survive any codec, so the few values that JSON can
hold and we cannot store are replaced there. The original text beside it keeps them.
"""

import json
import math
from typing import Any, cast

_INT_MAX = 2**63
_DEPTH_MAX = 64


def plain(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON can be anything
    """Return `value` with lone surrogates, huge integers and infinities replaced, and cut below a depth."""
    if isinstance(value, str):
        return plain_text(value)
    if depth > _DEPTH_MAX or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int):
        return value if -_INT_MAX <= value < _INT_MAX else str(value)
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in rows_of(value)]
    if isinstance(value, dict):
        return {plain_text(key): plain(item, depth + 1) for key, item in table_of(value).items()}
    return value


def plain_text(text: str) -> str:
    """Return `text` with each half of a broken surrogate pair replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def text_of(value: Any) -> str:  # noqa: ANN401 - JSON can be anything
    """Return a text field leniently: nothing for null, its JSON for what is no text."""
    if value is None:
        return ""
    return plain_text(value) if isinstance(value, str) else json.dumps(value)


def text_or_none(value: Any) -> str | None:  # noqa: ANN401 - JSON can be anything
    return None if value is None else text_of(value)


def table_of(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON can be anything
    """Return an object leniently: an empty one for whatever is none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def rows_of(value: Any) -> list[Any]:  # noqa: ANN401 - JSON can be anything
    """Return an array leniently: an empty one for whatever is none."""
    return cast("list[Any]", value) if isinstance(value, list) else []  # type: ignore[redundant-cast] # pyright sees Unknown


def words_of(value: Any) -> str:  # noqa: ANN401 - JSON can be anything
    """Return the text of a message that may be one, or a list of parts of which some are texts."""
    if not isinstance(value, list):
        return text_of(value)
    texts = (table_of(part).get("text") for part in rows_of(value))
    return "\n".join(text_of(text) for text in texts if text is not None)


def pictures_in(value: Any) -> int:  # noqa: ANN401 - JSON can be anything
    """Return how many parts of a message are no texts."""
    return sum(table_of(part).get("text") is None for part in rows_of(value))
