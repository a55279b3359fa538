"""`refold config`: what is in force for sessions to come, and where each value came from."""

import json as json_text
import os

from refold.cli.options import ConfigOption, HomeOption, JsonOption
from refold.cli.output import put, put_text, say
from refold.eventlog.runtime_settings import TOKEN_VARIABLE
from refold.layers import FILE, configure, default_file, environment_name, settable

_OTHERS = {"REFOLD_HOME", "REFOLD_LOG", "REFOLD_SKILLS", TOKEN_VARIABLE, FILE}
_PREFIX = "REFOLD_"


def config(config: ConfigOption = None, home: HomeOption = None, json: JsonOption = False) -> int:
    del home  # Every command takes it; sessions have their own settings on record.
    configured = configure(config)
    if configured.file is None:
        say(f"no file is read; {default_file(os.environ)} would be, or what --config or ${FILE} names")
    known = {environment_name(key) for key in settable()} | _OTHERS
    for name in sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known):
        say(f"${name} sets no key")
    if json:
        for each in configured.values:
            put({"key": each.key, "value": each.value, "source": each.source})
        return 0
    shown = [
        (each.key, json_text.dumps(each.value, ensure_ascii=False), each.source) for each in configured.values
    ]
    keys, values = (max(len(row[column]) for row in shown) for column in (0, 1))
    for key, value, source in shown:
        put_text(f"{key:<{keys}}  {'-' if value == 'null' else value:<{min(values, 40)}}  {source}".rstrip())
    return 0
