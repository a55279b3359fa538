"""What reaches the network, and what it sends there."""

import re

from refold.actors.security.finding import Finding, high, low, medium
from refold.actors.security.places import is_credential
from refold.actors.security.shell import Simple, Word

FETCHING = frozenset({"curl", "wget", "aria2c", "http", "https", "fetch", "lynx", "links", "w3m"})
CONNECTING = frozenset({"nc", "ncat", "netcat", "socat", "telnet", "openssl"})
COPYING = frozenset({"scp", "rsync", "sftp", "ftp", "rclone", "croc"})
_MAILING = frozenset({"mail", "mailx", "sendmail", "mutt", "msmtp"})
_NAMING = frozenset({"dig", "nslookup", "host", "ping", "drill"})
_STORES = frozenset({"aws", "gsutil", "gcloud", "az", "s3cmd", "mc", "gh", "glab", "twine", "heroku"})
_INSTALLING: dict[str, frozenset[str]] = {
    "pip": frozenset({"install", "download"}),
    "pip3": frozenset({"install", "download"}),
    "uv": frozenset({"pip", "add", "sync", "tool", "run"}),
    "npm": frozenset({"install", "i", "ci", "add", "exec"}),
    "npx": frozenset(),
    "uvx": frozenset(),
    "pipx": frozenset(),
    "yarn": frozenset({"add", "install"}),
    "pnpm": frozenset({"add", "install", "i", "dlx"}),
    "apt": frozenset({"install", "upgrade", "update", "remove", "purge"}),
    "apt-get": frozenset({"install", "upgrade", "update", "remove", "purge"}),
    "dnf": frozenset({"install"}),
    "yum": frozenset({"install"}),
    "apk": frozenset({"add"}),
    "brew": frozenset({"install"}),
    "cargo": frozenset({"install", "add"}),
    "go": frozenset({"get", "install"}),
    "gem": frozenset({"install"}),
}
_SENDS_FILE = re.compile(r"^(@|[^=]*=[@<])")
_DATA = frozenset(
    {"-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--json", "-F", "--form"}
)
_FILES = frozenset({"-T", "--upload-file", "--post-file", "--body-file"})
_LOCAL = re.compile(
    r"^(?:[a-z]+://)?(?:[^/@]*@)?(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0)(?=[:/]|$)"
)
_REMOTE = re.compile(r"^(?:[^/:@]+@)?[^/:]+:|^(rsync|ftp|sftp)://")


def is_source(name: str) -> bool:
    """Whether a program brings in what others wrote."""
    return name in FETCHING or name in CONNECTING


def reached(name: str, words: tuple[Word, ...], command: Simple) -> list[Finding]:
    """Return what a network program does; nothing for any other one."""
    arguments = words[1:]
    if name in FETCHING:
        return _fetched(name, arguments, command)
    if name in CONNECTING:
        fed = bool(command.upstream) or any("<" in each.operator for each in command.redirects)
        return [
            high(f"sends local data over the network ({name})" if fed else f"opens a connection ({name})")
        ]
    if name in COPYING:
        if name == "rsync" and not any(_REMOTE.match(each.text) for each in arguments):
            return []
        return [high(f"copies files to or from another machine ({name})")]
    if name in _MAILING:
        return [high(f"sends mail ({name})")]
    if name in _NAMING:
        if command.inner or command.upstream or not all(each.sure for each in arguments):
            return [high(f"sends data away in names that it looks up ({name})")]
        return [medium(f"reaches the network ({name})")]
    if name == "ssh":
        return [high("acts on another machine (ssh)")]
    if name in _STORES:
        return [medium(f"uses an online service ({name})")]
    verbs = _INSTALLING.get(name)
    if verbs is not None and (not verbs or any(each.text in verbs for each in arguments)):
        return [medium(f"installs code from the network ({name})")]
    return []


def _fetched(name: str, arguments: tuple[Word, ...], command: Simple) -> list[Finding]:
    found = list[Finding]()
    sends = False
    for index, word in enumerate(arguments):
        option, equals, attached = word.text.partition("=")
        value = Word(attached, word.sure) if equals and option.startswith("--") else None
        if value is None and word.text[:2] in {"-d", "-F", "-T"} and len(word.text) > 2:  # noqa: PLR2004
            option, value = word.text[:2], Word(word.text[2:], word.sure)
        if value is None and index + 1 < len(arguments):
            value = arguments[index + 1]
        if option in _FILES:
            sends = True
            found.append(high(f"sends a local file over the network ({name})"))
        elif option in _DATA and value is not None:
            sends = True
            if _SENDS_FILE.match(value.text) or not value.sure:
                found.append(high(f"sends local data over the network ({name})"))
            else:
                found.append(medium(f"sends data over the network ({name})"))
    if command.inner and not sends:
        found.append(high(f"sends what other commands print over the network ({name})"))
    addresses = [each for each in arguments if not each.text.startswith("-")]
    if any(is_credential(each.text) for each in addresses):
        found.append(high("sends credentials over the network"))
    named = [each.text for each in addresses if "/" in each.text or ":" in each.text]
    if named and all(_LOCAL.match(each) for each in named):
        return [low(f"asks a server on this machine ({name})")]
    return found or [medium(f"reaches the network ({name})")]
