"""Options that every command shares, and the words that go with them."""

from pathlib import Path
from typing import Annotated

import typer


def _folder(text: str) -> Path:
    """Return the folder that is named; whether it can be used is found where it is."""
    if not text:  # As of a variable that is not set: it would mean the present folder.
        raise typer.BadParameter("it is empty; name a folder, or leave it out")
    return Path(text)


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        parser=_folder,
        help="Where the log is; default $REFOLD_HOME, else the user's data folder.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print data for programs; texts for people go to stderr.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A TOML file; default $REFOLD_CONFIG, else your own, if any. `refold config` shows it all.",
    ),
]
SessionArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The session's name; `refold ls` lists them.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="M",
        help="openai/NAME, anthropic/NAME, script:FILE, or a name of [models].",
    ),
]
BaseUrlOption = Annotated[
    str | None, typer.Option("--base-url", metavar="U", help="Another server that speaks the model's wire.")
]
SandboxOption = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="local|bubblewrap|docker|remote|MODULE:NAME",
        help="Default: bubblewrap where it works, else local.",
    ),
]
IterationsOption = Annotated[
    int | None, typer.Option("--max-iterations", metavar="N", min=1, help="Model steps at most.")
]
BudgetOption = Annotated[float | None, typer.Option("--budget", metavar="USD", help="Money at most.")]
PriceOption = Annotated[
    str | None,
    typer.Option("--price", metavar="IN,OUT", help="USD per million tokens, for a model of unknown price."),
]
ConfirmOption = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="never|always|risky|unknown",
        help="Which actions a person approves first.",
    ),
]
RiskOption = Annotated[
    str | None,
    typer.Option("--risk", metavar="low|medium|high", help="From which risk on `risky` and `unknown` ask."),
]
AnalyzerOption = Annotated[
    str | None,
    typer.Option(
        "--analyzer",
        metavar="rules|model|none|MODULE:NAME",
        help="Who says how risky an action is; default rules where the policy asks for it.",
    ),
]
AgentOption = Annotated[
    str | None,
    typer.Option(
        "--agent", metavar="NAME", help="codeact, reader, one of [agents], or yours by MODULE:NAME."
    ),
]
SecretsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret-env",
        metavar="NAME",
        help="An environment variable that the sandbox gets and that nothing shows; may be repeated.",
    ),
]
NetworkOption = Annotated[
    bool | None,
    typer.Option(
        "--network/--no-network",
        help="Let commands reach the network; or refuse to run where they could.",
        show_default=False,
    ),
]
EnvironmentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME[=VALUE]",
        help="Give commands a variable, its value else taken from here; may be repeated.",
    ),
]
MountOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mount",
        metavar="SOURCE:TARGET[:rw]",
        help="Show commands a file or folder of here; may be repeated.",
    ),
]
RunnerOption = Annotated[
    str | None,
    typer.Option(
        "--runner",
        metavar="URL",
        help="Run commands at a `refold runner serve`, tls://HOST:PORT (token in $REFOLD_RUNNER_TOKEN).",
    ),
]
RunnerCaOption = Annotated[
    Path | None, typer.Option("--runner-ca", metavar="FILE", help="Whose certificate the runner must show.")
]
