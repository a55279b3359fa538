"""The few lines of bash that tell us where a command ends, whatever the command was.

Their output goes to descriptors that no command inherits, nothing of them shows under `set -x`, and a command
may change `PROMPT_COMMAND`, `$?`, `set -e` or standard output without losing us.
"""

import shlex
from collections.abc import Mapping
from typing import NamedTuple


class Descriptors(NamedTuple):
    """Numbers of the shell's own descriptors: commands come in, exit codes and end marks go out."""

    text: int
    status: int
    terminal: int


_PREPARE = """\
unset HISTFILE; set +o history; export -n PS1 PS2
__refold_status=0 __refold_open=1 __refold_a={a} __refold_b={b}
__refold_prompt() {{ __refold_status=$?; PS1= PS2=; if [ "$__refold_open" = 1 ]; then __refold_open=0; \
printf '%s %s\\0' "$__refold_status" "$PWD" >&{status}; \
printf '\\001%s%s\\002' "$__refold_a" "$__refold_b" >&{terminal}; fi; return $__refold_status; }}
__refold_check() {{ __refold_status=$?; case "${{PROMPT_COMMAND-}}" in *__refold_prompt*) ;; \
*) PROMPT_COMMAND='{{ __refold_prompt; }} 2>/dev/null'; ( exit $__refold_status ); __refold_prompt ;; esac; \
return $__refold_status; }}
__refold_begin() {{ IFS= read -r -d '' -u {text} __refold_command; __refold_open=1; \
case $- in *e*) return 0 ;; esac; return $__refold_status; }}
__refold_open=1 PROMPT_COMMAND='{{ __refold_prompt; }} 2>/dev/null'
"""

# It begins with an empty line because a parse error in the command before leaves bash's parser astray.
_BEGIN = (
    "\n{exports}{{ __refold_begin; }} 2>/dev/null; "
    'eval "$__refold_command" 0<&{terminal} {text}<&- {status}>&- {terminal}>&-; '
    "{{ __refold_check; }} 2>/dev/null\n"
)

# The first terminal that a session leader opens becomes its controlling one: sh opens it, then becomes
# bash. That spares us code between fork and exec in a process with threads.
START = ("/bin/sh", "-c", 'exec 9<>"$0" 9>&-; exec bash --norc --noprofile --noediting -i')


def prepare(descriptors: Descriptors, *, halves: tuple[str, str]) -> bytes:
    """Return what a new shell is told first; the mark's halves stand apart, so that `set` cannot print it."""
    return _PREPARE.format(a=halves[0], b=halves[1], **descriptors._asdict()).encode()


def begin(descriptors: Descriptors, variables: Mapping[str, str]) -> bytes:
    """Return what has the shell read one command from `text`, run it with these `variables`, tell its end."""
    exporting = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    # Under `set -e` a variable that is read-only would end the shell: try it in another one.
    given = "".join(f"( {export} ) && {export}; " for export in exporting)
    exports = f"{{ {given}}} 2>/dev/null; " if given else ""
    return _BEGIN.format(exports=exports, **descriptors._asdict()).encode("utf-8", "surrogateescape")


def mark(halves: tuple[str, str]) -> bytes:
    """Return what stands in the terminal's stream where a command's output ends."""
    return b"\x01" + "".join(halves).encode() + b"\x02"
