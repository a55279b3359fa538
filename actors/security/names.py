"""What analyzers are called: ours by a word, a user's own by its dotted path."""

NAMES = ("model", "none", "rules")


def is_own(name: str) -> bool:
    """Whether a name is the dotted path of a user's analyzer."""
    module, colon, attribute = name.partition(":")
    return bool(module and colon and attribute)


def no_analyzer(name: str) -> str | None:
    """Return why there is no analyzer called `name`, or None if there may be one."""
    if name in NAMES or is_own(name):
        return None
    return (
        f"there is no security analyzer {name!r}; there are {', '.join(NAMES)}, and your own by MODULE:NAME"
    )
