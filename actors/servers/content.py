"""What a tool answered, as text that can be recorded: words as they are, anything else described."""

import json
from collections.abc import Iterable
from typing import Any

RESULT_CHARACTERS_MAX = 200_000
"""More than any model is shown, and few enough for a log."""
_BASE64 = 4, 3


def text_of(blocks: Iterable[dict[str, Any]], structured: object = None) -> str:
    """Return the blocks of an answer as text; its `structured` form only where there are no words."""
    parts = [_block(block) for block in blocks]
    if structured is not None and not any(parts):
        parts = [json.dumps(structured, ensure_ascii=False)]
    return storable("\n".join(part for part in parts if part))


def storable(text: str, characters_max: int = RESULT_CHARACTERS_MAX) -> str:
    """Return `text` with what no log can hold written otherwise, the middle of a huge one left out."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    missing = len(text) - characters_max
    if missing <= 0:
        return text
    half = characters_max // 2
    return f"{text[:half]}\n[... {missing} characters left out of the middle ...]\n{text[-half:]}"


def _block(block: dict[str, Any]) -> str:
    match block:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image" | "audio" as kind, "data": str(data)}:
            return f"[{kind}, {block.get('mimeType', 'of unknown type')}, {_size(data)}: not shown]"
        case {"type": "resource", "resource": {"text": str(text), **rest}}:
            return f"[resource {rest.get('uri', '')}]\n{text}"
        case {"type": "resource", "resource": {"blob": str(blob), **rest}}:
            kind = rest.get("mimeType", "of unknown type")
            return f"[resource {rest.get('uri', '')}, {kind}, {_size(blob)}: not shown]"
        case {"type": "resource_link", "uri": uri}:
            return f"[link to resource {uri}{_said(block)}]"
        case _:
            return f"[{block.get('type', 'something')}: not shown]"


def _said(block: dict[str, Any]) -> str:
    said = block.get("description") or block.get("name")
    return f": {said}" if said else ""


def _size(data: str) -> str:
    encoded, raw = _BASE64
    return f"{len(data) * raw // encoded} bytes"
