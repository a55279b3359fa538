"""When two outputs say the same: what changes from run to run is blotted out, and nothing else.

Blotted out are times and durations, pids, ports, hostnames and the workspace's own path. Whoever adds a
pattern adds a test beside it that shows what must still be told apart.
"""

import re
from collections.abc import Collection

from msgspec import Struct

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AP]M)?"
_ZONE = r"(?:\s?(?:UTC|GMT|Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2})\b)?"

_TIMES = (
    rf"\b{_DAY}{_MONTH}\s+\d{{1,2}},?\s+(?:{_CLOCK}{_ZONE}(?:\s+\d{{4}})?|\d{{4}}(?:\s+{_CLOCK}{_ZONE})?)\b",
    rf"\b{_DAY}\d{{1,2}}[ -]{_MONTH}[ -]\d{{4}}(?:[ :]{_CLOCK}{_ZONE})?\b",
    rf"(?<![\w.-])\d{{4}}-\d{{2}}-\d{{2}}(?:[T _]{_CLOCK}{_ZONE})?(?![\w-])",
    rf"(?<![\w./-])(?:\d{{4}}/\d{{2}}/\d{{2}}|\d{{1,2}}/\d{{1,2}}/\d{{4}})(?:,?\s{_CLOCK}{_ZONE})?(?![\w/-])",
    rf"(?<![\w:.,-])\d{{1,2}}:\d{{2}}:\d{{2}}(?:[.,]\d+)?(?:\s?[AP]M)?{_ZONE}(?![\w:])",
    r"(?<![\w:.-])\d{1,2}:\d{2}\s?[AP]M\b",
    r"(?<![\w.-])\d+(?:\.\d+)?\s?(?:ms|µs|us|ns)\b",
    r"(?<![\w.-])\d+\.\d+\s?(?:s|secs?|seconds?)\b",
    r"(?<![\w.-])\d+m\s?\d+(?:\.\d+)?s\b",
    r"\b(?:in|took|after|elapsed:?)\s\d+\s?(?:s|secs?|seconds?)\b",
    r"(?<![\w.-])1[6-9]\d{8}(?:\.\d+|\d{3}|\d{9})?(?![\w-])",
)
_TIME = re.compile("|".join(_TIMES))
_PORT = re.compile(
    r"((?:localhost|<host>|\b\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]*\]|://[\w.-]+):"
    r"|\(['\"](?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]*)['\"], )\d{2,5}\b"
    r"|(\bport\b\s?[:=#]?\s?)\d{2,5}\b",
    re.IGNORECASE,
)
_PID = re.compile(
    r"(\bp?pid\b\W{0,3}|\bprocess id\W{0,3}|\bprocess \[|^\[\d+\][+-]?\s+|\bkill: \(|==)\d{1,7}(?![\w.])"
    r"|\b\d{2,7}(?=\s+(?:Killed|Terminated|Aborted|Hangup|Segmentation fault)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_PRINTS_PIDS = re.compile(
    r"\$\$|\$!|\$\{?(?:PPID|BASHPID)\b|\bpgrep\b|\bpidof\b|\bgetp?pid\b|\bprocess\.pid\b"
)
_PRINTS_HOST = re.compile(r"\bhostname\b|\$\{?HOSTNAME\b|\buname\s+-\w*[na]|\bgethostname\b")
_HOST = re.compile(r"(?<=@)[A-Za-z0-9][\w-]*(?=:[~/])")
_NUMBER = re.compile(r"(?<![\w.\[])\d{1,7}(?![\w.])")
_NOTE = re.compile(
    r"\n?\[(?:The command (?:completed|has no new output|timed out|was interrupted|is still running)"
    r"|Command finished with exit code|The shell ended with exit code|Python Interpreter:"
    r"|Current working directory:|Jupyter (?:current working directory|Python interpreter):)[^\n]*\]\s*\Z"
)
_PROMPT = re.compile(r"\n?\w+@[\w.-]+:\s?[~/][^\n]*[#$]\s*\Z")
_CUT = re.compile(r"\n?\[\.\.\. (?:Observation truncated due to length|\d+ characters left out) \.\.\.\]\n?")
_CHANGING_COLUMNS = ("PID", "PPID", "START", "STIME", "STARTED", "TIME", "ELAPSED")


class Setting(Struct, frozen=True, kw_only=True):
    """Where a text was written: the path of the workspace, the machines' names, the command that wrote it."""

    workspace: str
    hostnames: Collection[str] = ()
    command: str = ""


def same(expected: str, found: str, there: Setting, here: Setting) -> bool:
    """Tell whether two outputs say the same, each in its setting; one cut for length by its ends."""
    theirs, ours = _unwrapped(expected), _unwrapped(found)
    if same_file(theirs, ours, there, here):
        return True
    if _CUT.search(ours) is None and _CUT.search(theirs) is None:
        return False
    (head_a, tail_a), (head_b, tail_b) = _ends(_essence(theirs, there)), _ends(_found(ours, there, here))
    heads, tails = min(len(head_a), len(head_b)), min(len(tail_a), len(tail_b))
    return head_a[:heads] == head_b[:heads] and tail_a[len(tail_a) - tails :] == tail_b[len(tail_b) - tails :]


def same_file(expected: str, found: str, there: Setting, here: Setting) -> bool:
    """Tell whether two files say the same, each in its setting: to their last line break."""
    theirs, ours = _essence(expected, there), _found(found, there, here)
    if _PRINTS_HOST.search(here.command):
        ours = _renamed(theirs, ours)
    return ours == theirs or _same_but_for_the_host(theirs, ours) or _same_but_for_the_host(ours, theirs)


def _found(text: str, there: Setting, here: Setting) -> str:
    """Return the essence of what was found; a command that is run as it is may still name the other place."""
    return _essence(_unplaced(_unplaced(text, here.workspace), there.workspace), here)


def _essence(text: str, setting: Setting) -> str:
    """Return the text without what changes from run to run."""
    text = _unplaced(text, setting.workspace)
    for name in sorted(filter(None, setting.hostnames), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "<host>", text)
    text = _without_table_times(_HOST.sub("<host>", text))
    text = _PORT.sub(lambda found: f"{found[1] or found[2]}<port>", text)
    text = _PID.sub(lambda found: f"{found[1] or ''}<pid>", _TIME.sub("<time>", text))
    if _PRINTS_PIDS.search(setting.command):
        text = _NUMBER.sub("<pid>", text)
    return "\n".join(_even(line) for line in text.split("\n"))


def _unwrapped(text: str) -> str:
    """Take away the notes and prompts that a tool sets behind the output, and idle space around it."""
    text = text.replace("\r\n", "\n")
    while True:
        shorter = _PROMPT.sub("", _NOTE.sub("", text)) if text.rstrip().endswith(("]", "#", "$")) else text
        if shorter == text:
            return text.strip("\n").rstrip()
        text = shorter


def _unplaced(text: str, workspace: str) -> str:
    path = workspace.rstrip("/")
    return re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w-]|\.\w)", "<workspace>", text) if path else text


def _without_table_times(text: str) -> str:
    """Blot out the columns of a process table that hold pids and times; its header names them."""
    lines: list[str] = []
    columns: tuple[int, ...] = ()
    for line in text.split("\n"):
        words = line.split()
        if "PID" in words and all(word.upper() == word for word in words):
            columns = tuple(i for i, word in enumerate(words) if word in _CHANGING_COLUMNS)
            lines.append(" ".join(words))
        elif columns and len(words) > max(columns) and all(re.search(r"\d", words[i]) for i in columns):
            lines.append(" ".join("<cell>" if i in columns else word for i, word in enumerate(words)))
        else:
            columns = ()
            lines.append(line)
    return "\n".join(lines)


def _even(line: str) -> str:
    """Even out the padding of a line whose blotted parts may have been longer or shorter."""
    if not re.search(r"<(?:time|pid|port|host)>", line):
        return line
    return re.sub(r"[ \t]+", " ", re.sub(r"([=_-])\1{2,}", r"\1\1\1", line)).strip()


def _same_but_for_the_host(expected: str, found: str) -> bool:
    """Tell whether `found` names one other machine wherever `expected` names the one it came from."""
    head, *rest = (re.escape(part) for part in expected.split("<host>"))
    if not rest:
        return False
    name = r"(?:<host>|(?P<name>[A-Za-z0-9](?:[\w.-]*\w)?))"
    again = r"(?:<host>|(?P=name))"
    return re.fullmatch(head + name + again.join(rest), found) is not None


def _renamed(expected: str, found: str) -> str:
    """Give the one name by which two outputs of a command that prints its host differ, to both."""
    pairs = set(zip(re.findall(r"\S+", expected), re.findall(r"\S+", found), strict=False))
    names = {(theirs, ours) for theirs, ours in pairs if theirs != ours}
    if len(names) != 1:
        return found
    [(theirs, ours)] = names
    name = re.compile(r"[A-Za-z0-9][\w.-]*")
    if not name.fullmatch(theirs) or not name.fullmatch(ours):
        return found
    return re.sub(rf"(?<!\S){re.escape(ours)}(?!\S)", theirs, found)


def _ends(text: str) -> tuple[str, str]:
    parts = _CUT.split(text, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) > 1 else (text, text)
