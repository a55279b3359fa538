"""The one error of deciding."""


class Refused(Exception):
    """The present state cannot honour the command; nothing was recorded. Says what was asked and found."""
