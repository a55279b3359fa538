"""What a start has the shell do: run the setup script, install the git hook."""

from refold.actors.start.steps import HOOKS, SETUP
from refold.eventlog.actions import Run
from refold.eventlog.starting import StartStep

_MARK = "This hook was installed by Refold."


def command_of(step: StartStep, timeout_s: float) -> Run | None:
    """Return the command that a step of the start consists of; None for one that is no command."""
    match step:
        case "setup":
            command = _SETUP
        case "hooks":
            command = _INSTALL
        case _:
            return None
    return Run(command=command, timeout=timeout_s, extra={"blocking": True})


def _first(names: tuple[str, ...]) -> str:
    return f"for refold_script in {' '.join(names)}; do [ -f $refold_script ] && break; done"


_SETUP = f"""\
{_first(SETUP)}
. ./$refold_script
refold_status=$?; set +e +u +o pipefail; (exit $refold_status)"""
"""Sourced, so that what it exports is there for the commands to come; not so its way to treat errors."""

_INSTALL = f"""\
( set -e
{_first(HOOKS)}
hooks=$(git rev-parse --git-path hooks)
mkdir -p "$hooks"
if [ -e "$hooks/pre-commit" ] && ! grep -q '{_MARK}' "$hooks/pre-commit"; then
    mv "$hooks/pre-commit" "$hooks/pre-commit.local"
fi
cat > "$hooks/pre-commit" <<END
#!/bin/bash
# {_MARK}
before="\\$(dirname "\\$0")/pre-commit.local"
if [ -x "\\$before" ]; then "\\$before" "\\$@" || exit; fi
exec bash "\\$(git rev-parse --show-toplevel)/$refold_script" "\\$@"
END
chmod +x "$hooks/pre-commit" )"""
