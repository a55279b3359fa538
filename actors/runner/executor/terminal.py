"""What a person would have read on the terminal, as plain text."""

import re

OUTPUT_MAX = 30_000

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # strings for devices
    r"|\x1b[ -/]*[0-~]"
)
_OVERSTRUCK = re.compile(r"[^\n\b]\x08")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


def plain(output: bytes) -> str:
    """Return `output` without control sequences; a line that was written over shows its last state."""
    text = output.decode("utf-8", "replace")
    text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = re.sub(r"\r+\n", "\n", text)
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    while "\b" in text:
        shorter = _OVERSTRUCK.sub("", text)
        if shorter == text:
            break
        text = shorter
    return _CONTROLS.sub("", text)


def cut(text: str, *, limit: int = OUTPUT_MAX, unseen: int = 0) -> str:
    """Cut the middle out of a long text, with a note of how much; `unseen` bytes were lost there before."""
    if len(text) <= limit and not unseen:
        return text
    half = min(limit, len(text)) // 2
    left_out = len(text) - 2 * half + unseen
    return f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[len(text) - half :]}"
