"""What git is asked for a session's repository: nothing that could be tricked, and no credential in sight.

A token goes to the host that it belongs to and nowhere else, by a credential helper that reads it from the
environment of that one git process: it stands in no command line, no file and no address.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from refold.eventlog.settings import Settings

SCHEMES = ("https", "http", "ssh", "git", "file")

_SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:(?!//)")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PASSED_ON = (
    "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
    "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY",
)  # fmt: skip
_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "credential.interactive=false",
    "protocol.ext.allow=never",
)
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf "username=%s\\npassword=%s\\n" "$REFOLD_GIT_USER" "$REFOLD_GIT_PASSWORD"; }; f'
)


class _Provider(NamedTuple):
    token: str
    host: str
    user: str


PROVIDERS = (
    _Provider("GITHUB_TOKEN", "github.com", "x-access-token"),
    _Provider("GITLAB_TOKEN", "gitlab.com", "oauth2"),
    _Provider("BITBUCKET_TOKEN", "bitbucket.org", "x-token-auth"),
)
"""Secrets of these names are for these hosts; `GIT_TOKEN` is for the host of the session's own repository."""
OWN_TOKEN = "GIT_TOKEN"  # noqa: S105 - a name


def refusal(url: str) -> str | None:
    """Return why an address cannot be cloned, in words that a person can act on; None if it can be tried."""
    if url.startswith("/") or _SCP_LIKE.match(url):
        return None
    parts = urlsplit(url)
    if url.startswith("-") or "::" in url or parts.scheme not in SCHEMES:
        return f"{url!r} is no address of a repository: it is a path, or begins with {', '.join(SCHEMES)}"
    if parts.password is not None or (parts.username is not None and parts.scheme in {"http", "https"}):
        return (
            f"the address of the repository at {parts.hostname} holds credentials, and would be recorded: "
            f"leave them out and name the token with --secret-env {_token_for(parts.hostname or '')}"
        )
    return None


def request(settings: Settings, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return what the keeper is to do for the settings' repository, with the credentials that it takes."""
    url = str(settings.repository)
    user, password = _credentials(url, secrets)
    options = [*_OPTIONS]
    if password:
        parts = urlsplit(url)
        options.append(f"credential.{parts.scheme}://{parts.netloc}.helper={_HELPER}")
    return {
        "url": url,
        "options": [word for option in options for word in ("-c", option)],
        "arguments": [
            "--quiet",
            "--no-hardlinks",
            "--template=",
            *(() if settings.branch is None else ("--branch", settings.branch)),
        ],
        "environment": {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            "LC_ALL": "C.UTF-8",
            **({"REFOLD_GIT_USER": user, "REFOLD_GIT_PASSWORD": password} if password else {}),
        },
        "timeout_s": settings.start_timeout_s,
    }


def _credentials(url: str, secrets: Mapping[str, str]) -> tuple[str, str]:
    """Return user and password for an address; empty where there are none, or they could be overheard."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        return "", ""
    user = next((provider.user for provider in PROVIDERS if provider.host == host), "git")
    token = secrets.get(_token_for(host)) or secrets.get(OWN_TOKEN, "")
    if token and ":" in token and host == "bitbucket.org":
        user, _, token = token.partition(":")
    return user, token


def _token_for(host: str) -> str:
    return next((provider.token for provider in PROVIDERS if provider.host == host), OWN_TOKEN)
