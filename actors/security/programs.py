"""What a program does with the words it is given, for the programs that matter here."""

import re
from collections.abc import Callable, Sequence

from refold.actors.security.files import deleted, written
from refold.actors.security.finding import Finding, high, low, medium
from refold.actors.security.places import Place
from refold.actors.security.shell import Word

_SYSTEM_CHANGING = frozenset(
    {
        "shutdown", "reboot", "halt", "poweroff", "init", "mount", "umount", "insmod", "modprobe", "rmmod",
        "iptables", "nft", "ufw", "sysctl", "visudo", "useradd", "userdel", "usermod", "groupadd", "passwd",
        "chpasswd", "setcap", "mkfs", "fdisk", "parted", "mkswap", "swapoff", "wipefs", "systemctl",
        "service", "update-rc.d", "crontab", "at", "batch", "loginctl", "chsh", "losetup",
    }
)  # fmt: skip
_ENDING = frozenset({"kill", "pkill", "killall"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl", "kubectl", "ctr"})
_SETUID = re.compile(r"^[0-7]?[2-7][0-7]{3}$|[ugoa]*\+[rwxXt]*s")
_LISTING = frozenset({"list", "status", "show", "-l", "is-active", "ps", "get", "logs", "images", "version"})


def done(words: tuple[Word, ...], name: str, place: Place, *, fed: bool) -> list[Finding]:
    """Return what the program does; `fed` where more arguments come from another one's output."""
    arguments = words[1:]
    if name in _SYSTEM_CHANGING or name.startswith("mkfs."):
        if any(each.text in _LISTING for each in arguments):
            return []
        return [high(f"changes the machine ({name})")]
    if name in _ENDING:
        every = any(each.text == "-1" for each in arguments[1:]) or any(e.text == "1" for e in arguments)
        return [high(f"ends every process ({name})") if every else medium(f"ends processes ({name})")]
    if name in _CONTAINERS:
        if arguments and arguments[0].text in _LISTING:
            return []
        return [high(f"runs things outside of this sandbox ({name})")]
    rule = _RULES.get(name)
    found = [] if rule is None else rule(arguments, place)
    if fed and name in {"rm", "shred", "unlink", "rmdir"}:
        found.append(high("deletes whatever it is told by another command"))
    return found


def split(arguments: Sequence[Word]) -> tuple[list[str], list[Word]]:
    """Return options, and what is none."""
    options, rest, ended = list[str](), list[Word](), False
    for word in arguments:
        if not ended and word.text == "--":
            ended = True
        elif not ended and word.sure and word.text.startswith("-") and len(word.text) > 1:
            options.append(word.text)
        else:
            rest.append(word)
    return options, rest


def _short(options: Sequence[str], letters: str) -> bool:
    return any(
        not option.startswith("--") and any(letter in option for letter in letters) for option in options
    )


def _rm(arguments: Sequence[Word], place: Place) -> list[Finding]:
    options, targets = split(arguments)
    recursive = _short(options, "rR") or "--recursive" in options
    return [each for target in targets for each in deleted(target, place, recursive=recursive)]


def _shred(arguments: Sequence[Word], place: Place) -> list[Finding]:
    return [each for target in split(arguments)[1] for each in deleted(target, place, recursive=False)]


def _find(arguments: Sequence[Word], place: Place) -> list[Finding]:
    if not any(each.text == "-delete" for each in arguments):
        return []
    narrowed = any(each.text in {"-name", "-iname", "-path", "-regex"} for each in arguments)
    targets = roots_of(arguments)
    found = [each for root in targets for each in deleted(root, place, recursive=True)]
    if narrowed:  # Not all of a folder, but what is named in it.
        return [
            medium("deletes many files") if _is_own(root, place) else each
            for root, each in zip(targets, found, strict=False)
        ]
    return found


def roots_of(arguments: Sequence[Word]) -> list[Word]:
    """Return where `find` begins."""
    roots = list[Word]()
    for word in arguments:
        if word.text.startswith(("-", "(", "!")):
            break
        roots.append(word)
    return roots or [Word(".")]


def _is_own(root: Word, place: Place) -> bool:
    path = place.resolve(root.text) if root.sure else None
    return path is not None and place.is_inside(path)


def _mv(arguments: Sequence[Word], place: Place) -> list[Finding]:
    options, rest = split(arguments)
    del options
    if not rest:
        return []
    found = written(rest[-1], place)
    for source in rest[:-1]:
        path = place.resolve(source.text) if source.sure else None
        if path is None or not place.is_inside(path):
            found += deleted(source, place, recursive=False)
    return found


def _cp(arguments: Sequence[Word], place: Place) -> list[Finding]:
    options, rest = split(arguments)
    named = [option.partition("=")[2] for option in options if option.startswith("--target-directory=")]
    targets = [Word(each) for each in named] or rest[-1:]
    return [each for target in targets for each in written(target, place)]


def _each_written(arguments: Sequence[Word], place: Place) -> list[Finding]:
    return [each for target in split(arguments)[1] for each in written(target, place)]


def _dd(arguments: Sequence[Word], place: Place) -> list[Finding]:
    targets = [Word(each.text[3:], each.sure) for each in arguments if each.text.startswith("of=")]
    return [each for target in targets for each in written(target, place)]


def _sed(arguments: Sequence[Word], place: Place) -> list[Finding]:
    options, rest = split(arguments)
    if not (_short(options, "i") or any(option.startswith("--in-place") for option in options)):
        return []
    files = rest if any(option in {"-e", "-f"} for option in options) else rest[1:]
    return [each for target in files for each in written(target, place)]


def _chmod(arguments: Sequence[Word], place: Place) -> list[Finding]:
    options, rest = split([each for each in arguments if not re.match(r"^-[rwxst]+$", each.text)])
    del options
    if rest and _SETUID.search(rest[0].text):
        return [high("lets a program run with its owner's rights (setuid)")]
    return [each for target in rest[1:] for each in written(target, place)]


def _git(arguments: Sequence[Word], place: Place) -> list[Finding]:
    texts = [each.text for each in arguments]
    rest = [text for text in texts if not text.startswith("-")]
    verb = rest[0] if rest else ""
    options = {text for text in texts if text.startswith("-")}
    del place
    match verb:
        case "push":
            forced = options & {"-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d"}
            return [
                high("overwrites or deletes what others see (git push)")
                if forced or any(text.startswith(("+", ":")) for text in rest[1:])
                else medium("sends commits away (git push)")
            ]
        case "clean":
            return [] if options & {"-n", "--dry-run"} else [medium("deletes what is not in the repository")]
        case "reset" if "--hard" in options:
            return [medium("throws changes away (git reset --hard)")]
        case "checkout" | "restore" if "--" in texts or "." in rest or "-f" in options:
            return [medium(f"throws changes away (git {verb})")]
        case "stash" if "drop" in rest or "clear" in rest:
            return [medium("throws changes away (git stash)")]
        case "config" if options & {"--global", "--system"} or any("hooksPath" in text for text in rest):
            return [high("changes how git works from now on (git config)")]
        case "filter-branch" | "filter-repo":
            return [high("rewrites the repository's history")]
        case "clone" | "fetch" | "pull" | "ls-remote" | "remote" | "submodule":
            away = verb in {"clone", "fetch", "pull", "ls-remote"} or "update" in rest
            return [medium(f"reaches the network (git {verb})")] if away else []
        case _:
            return []


def _environment(arguments: Sequence[Word], place: Place) -> list[Finding]:
    del place
    return [medium("prints the environment, secrets with it")] if not split(arguments)[1] else []


def _nothing_lasts(arguments: Sequence[Word], place: Place) -> list[Finding]:
    return [low(each.reason) if each.risk == "low" else each for each in _each_written(arguments, place)]


_RULES: dict[str, Callable[[Sequence[Word], Place], list[Finding]]] = {
    "rm": _rm,
    "rmdir": _shred,
    "unlink": _shred,
    "shred": _shred,
    "truncate": _each_written,
    "find": _find,
    "mv": _mv,
    "cp": _cp,
    "install": _cp,
    "ln": _cp,
    "tee": _each_written,
    "touch": _nothing_lasts,
    "mkdir": _nothing_lasts,
    "dd": _dd,
    "sed": _sed,
    "chmod": _chmod,
    "chown": _chmod,
    "chgrp": _chmod,
    "git": _git,
    "printenv": _environment,
    "env": _environment,
}
