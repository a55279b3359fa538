"""Programs that run another one: what is judged is what they run."""

import re

from refold.actors.security.finding import Finding, high, medium
from refold.actors.security.shell import Word

ESCALATING = frozenset({"sudo", "doas", "su", "pkexec", "runuser", "sudoedit", "gosu", "su-exec"})
_VALUES: dict[str, frozenset[str]] = {
    "sudo": frozenset({"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R"}),
    "doas": frozenset({"-u", "-C"}),
    "runuser": frozenset({"-u", "-g"}),
    "pkexec": frozenset({"--user"}),
    "env": frozenset({"-u", "-C", "--unset", "--chdir"}),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "xargs": frozenset({"-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E", "-i"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "watch": frozenset({"-n"}),
    "exec": frozenset({"-a"}),
    "strace": frozenset({"-o", "-e", "-p", "-s"}),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "time": frozenset({"-f", "-o"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "busybox": frozenset(),
    "coproc": frozenset(),
    "parallel": frozenset({"-j"}),
    "flock": frozenset({"-w"}),
    "proot": frozenset(),
    "chroot": frozenset(),
    "unshare": frozenset(),
    "nsenter": frozenset({"-t"}),
    "gosu": frozenset(),
    "su-exec": frozenset(),
}
"""Each with its options that take a value of their own."""
_FIRST = frozenset({"timeout", "flock", "chroot", "gosu", "su-exec"})
"""Those whose first argument is their own."""
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_LOADING = re.compile(r"^(LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|PATH|BASH_ENV|ENV|PYTHONPATH|PROMPT_COMMAND)$")
_LENGTH_MAX = 16


def unwrapped(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], list[Finding], bool]:
    """Return the words of the program that is run in the end, and what was found on the way.

    The last one says whether further words come from elsewhere, as with `xargs`.
    """
    found = list[Finding]()
    fed = False
    for _ in range(_LENGTH_MAX):
        name = program(words)
        if name in ESCALATING:
            found.append(high(f"runs with other rights ({name})"))
        if name in {"chroot", "unshare", "nsenter"}:
            found.append(high(f"leaves its surroundings ({name})"))
        if name not in _VALUES:
            break
        fed = fed or name in {"xargs", "parallel"}
        words = _behind(name, words[1:])
    return words, found, fed


def program(words: tuple[Word, ...]) -> str:
    """Return the program's name without its folder; "" where nobody can tell, or there is none."""
    if not words or not words[0].sure:
        return ""
    return words[0].text.rpartition("/")[2]


def loading(name: str) -> Finding | None:
    """Return what a variable does that has programs load or find other code than usual."""
    return medium(f"changes where programs find their code ({name})") if _LOADING.match(name) else None


def _behind(name: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    rest, own = list(words), 1 if name in _FIRST else 0
    while rest:
        word = rest[0].text
        if word == "--":
            rest.pop(0)
            break
        if word.startswith("-") and len(word) > 1:
            rest.pop(0)
            if word in _VALUES[name] and rest:
                rest.pop(0)
        elif name in {"env", "sudo", "doas"} and _ASSIGNMENT.match(word):
            rest.pop(0)
        elif own:
            rest.pop(0)
            own -= 1
        else:
            break
    return tuple(rest)
