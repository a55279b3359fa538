"""A tool that somebody else's server offers, as it was described when the servers were asked."""

from typing import Any

from msgspec import Struct


class ServerTool(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The model knows it as `name`, its `server` as `tool`; `parameters` are a JSON schema of an object.

    `read_only` is what its server says: that it changes nothing.
    """

    name: str
    server: str
    tool: str
    description: str = ""
    parameters: dict[str, Any] = {}
    read_only: bool = False
