"""Configuration: four layers, each value with its origin, each mistake with what is allowed."""

import inspect
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from msgspec.structs import fields

from refold.beginning import begin
from refold.choices import AllChoices
from refold.configuration import Configuration, Limits
from refold.errors import WrongUsage
from refold.eventlog.condensers import ObservationMasking, Pipeline, Summary
from refold.eventlog.runtime_settings import Mount
from refold.eventlog.settings import ModelSettings, Price, Settings, for_purpose, with_model
from refold.home import Home
from refold.layers import Configured, configure

FILE = """
model = "fast"
confirm = "always"

[limits]
iterations = 7

[models.fast]
model = "script:answers.jsonl"
price = {prompt = 1.0, completion = 2.0}

[models."big one"]
model = "openai/mine"
base_url = "http://127.0.0.1:9/v1"
key_env = "MY_KEY"
parameters = {temperature = 0.2}

[purposes]
condense = "big one"

[prices]
"openai/mine" = {prompt = 3.0, completion = 4.0}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def source(configured: Configured, key: str) -> str:
    return next(each.source for each in configured.values if each.key == key)


def begun(folder: Path, configured: Configured, **more: Any) -> Settings:  # noqa: ANN401 - choices
    """Return the settings that a session would have of this configuration."""
    choices: dict[str, Any] = {**configured.configuration.options(), "sandbox": "local", **more}
    return begin(Home(folder), "s", **choices)


def test_each_layer_beats_the_ones_below_and_is_named(file: Path) -> None:
    environment = {"REFOLD_LIMITS_ITERATIONS": "8", "REFOLD_NETWORK": "true", "REFOLD_CONFIRM": "never"}
    configured = configure(file, environment=environment, options={"limits.iterations": 9, "network": None})
    configuration = configured.configuration
    assert (configuration.limits.iterations, source(configured, "limits.iterations")) == (9, "option")
    assert (configuration.network, source(configured, "network")) == (True, "$REFOLD_NETWORK")
    assert (configuration.confirm, source(configured, "confirm")) == ("never", "$REFOLD_CONFIRM")
    assert (configuration.model, source(configured, "model")) == ("fast", str(file))
    assert (configuration.limits.retries, source(configured, "limits.retries")) == (5, "default")
    assert source(configured, 'models."big one".key_env') == str(file)


def test_the_file_is_named_by_an_option_by_the_environment_or_lies_in_the_users_folder(
    file: Path, tmp_path: Path
) -> None:
    assert configure(environment={"REFOLD_CONFIG": str(file)}).file == file
    assert configure(environment={"XDG_CONFIG_HOME": str(tmp_path)}).file is None
    (tmp_path / "refold").mkdir()
    own = tmp_path / "refold" / "config.toml"
    own.write_text("network = true", encoding="utf-8")
    assert configure(environment={"XDG_CONFIG_HOME": str(tmp_path)}).configuration.network
    assert configure(file, environment={"REFOLD_CONFIG": str(own)}).file == file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modle = "x"', "modle is unknown; did you mean model?"),
        ('confirm = "sometimes"', 'confirm is "sometimes"; it must be one of'),
        ("[limits]\niterations = 0", "limits.iterations is 0; it must be a whole number of at least 1"),
        ('[limits]\nbudget_usd = "ten"', 'limits.budget_usd is "ten"; it must be a number above 0'),
        ("[models.fast]\nbase_url = 'u'", "models.fast.model is missing; it must be a text"),
        ("[models]\nfast = 3", "models.fast is 3; it must be a table with model, base_url"),
        ("[purposes]\nsleep = 'x'", "purposes.sleep is unknown; the names here are step, condense"),
        ("limits = 3", "limits is 3; it must be a table with iterations"),
        ("model = ", "is no TOML"),
    ],
)
def test_a_mistake_names_the_file_the_key_the_value_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUsage) as wrong:
        configure(path, environment={"REFOLD_LIMITS_RETRIES": "1"})
    assert said in str(wrong.value)
    assert str(path) in str(wrong.value)


USELESS = [
    ('agent = "wizard"', 'agent is "wizard"; it must be codeact, reader, or yours by MODULE:NAME'),
    ('sandbox = "moon"', 'sandbox is "moon"; it must be bubblewrap, docker, local, remote'),
    ('analyzer = "nose"', 'analyzer is "nose"; it must be model, none, rules'),
    ('[purposes]\ncondense = "nobody"', 'purposes.condense is "nobody"; it must be openai/NAME'),
    ('[agents.reader]\nmodel = "nobody"', 'agents.reader.model is "nobody"; it must be openai/NAME'),
    ("[agents.reader]\niterations_max = 0", "agents.reader.iterations_max is 0, which leaves no step"),
    ("[agents.reader]\nbudget_usd = inf", "agents.reader.budget_usd is inf; it must be a number"),
    (
        '[agents.reader]\ntools = ["execute_bash"]',
        'agents.reader.tools names "execute_bash"; of the',
    ),
    ('[agents.codeact]\ntools = ["clock_now"]', 'agents.codeact.tools names "clock_now"; of the tools of'),
    ("[agents.helper]", "agents.helper.agent is missing; it must be codeact, reader"),
    ('[condenser]\ntype = "summary"\nmodel = "x"', 'condenser.model is "x"; it must be openai/NAME'),
    (
        '[condenser]\ntype = "pipeline"\ncondensers = [{type = "summary", model = "x"}]',
        'condenser.condensers[1].model is "x"; it must be openai/NAME',
    ),
    (
        '[condenser]\ntype = "recent"\nkeep_first = 0',
        "condenser cannot do its work: the condenser",
    ),
    ('[models.small]\nmodel = "small"', 'models.small.model is "small"; it must be openai/NAME'),
    (
        '[models.small]\nmodel = "openai/s"\nbase_url = "s"',
        'models.small.base_url is "s"; it must begin with http:// or https://',
    ),
    (
        '[models.m]\nmodel = "openai/s"\nparameters = {stop = [nan]}',
        "models.m.parameters.stop[1] is nan, which JSON cannot say; write it otherwise, or leave it out",
    ),
    (
        '[models.m]\nmodel = "openai/s"\nparameters = {since = 2026-01-01}',
        'models.m.parameters.since is "2026-01-01", which JSON cannot say',
    ),
    (
        '[models.m]\nmodel = "openai/s"\nparameters = {seed = 18446744073709551616}',
        "models.m.parameters.seed is 18446744073709551616, a number of more than 64 bits",
    ),
    ("[runtime.options]\nkind = inf", "runtime.options.kind is inf, which JSON cannot say"),
    ("[prices]\nx = {prompt = -1.0, completion = 0.0}", "prices.x.prompt is -1.0; it must be a number of at"),
    ("[mcp.clock]\nargs = []", "mcp.clock has neither command nor url; it needs a command or a url"),
    ('[mcp.clock]\ncommand = "x"\ntimeout_s = 0', "mcp.clock.timeout_s is 0.0; it must be above 0"),
    ('[mcp."a b"]\ncommand = "x"', 'mcp."a b" cannot name an MCP server'),
    ("[limits]\nbudget_usd = inf", "limits.budget_usd is inf; it must be a number above 0, and finite"),
    ("[limits]\nbudget_usd = nan", "limits.budget_usd is nan; it must be a number above 0"),
    ("[runtime.limits]\nprocesses = -1", "runtime.limits.processes is -1, which leaves nothing"),
    ("[runtime.limits]\nopen_files = 9", "runtime.limits.open_files is 9; the shell needs at least 256"),
    ("[runtime.remote]\npatience_s = -1", "runtime.remote.patience_s is -1.0; it must be a number of at"),
    ("[runtime]\nhung_after_s = 0.0", "runtime.hung_after_s is 0.0; it must be a number above 0"),
    ("[runtime.docker]\ncpus = 0.0", "runtime.docker.cpus is 0.0; it must be a number above 0"),
    ('[runtime.remote]\naddress = "moon"', "runtime.remote.address cannot be used: 'moon' is no runner's"),
    (
        '[[runtime.mounts]]\nsource = "/usr"\ntarget = "/workspace"',
        'runtime.mounts[1].target is "/workspace"; that place is taken; mount it somewhere else',
    ),
    ("network = true\nruntime.offline = true", "runtime.offline is true, and network is true as well"),
    ('branch = "b"', 'branch is "b", of no repository; name one by repository, or --repo'),
    ("[runtime]\nlease_s = 0", "runtime.lease_s is 0.0; it must be a number above 0"),
    ("[limits]\nstart_timeout_s = 0", "limits.start_timeout_s is 0; it must be a number above 0"),
    ('[secrets]\nHOME = "x"', "secrets.HOME cannot name a secret"),
    ('runtime.variables_from = ["A"]\n[secrets]\nA = "x"', "secrets.A is a secret and a variable"),
]


@pytest.mark.parametrize(("text", "said"), USELESS)
def test_what_no_session_could_start_with_is_no_configuration(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "useless.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUsage) as wrong:
        configure(path, environment={})
    (line,) = str(wrong.value).splitlines()
    assert line.startswith(f"{path}: {said.partition(' ')[0]} ")
    assert said in line


def test_what_cannot_be_used_is_told_with_the_layer_that_set_it(file: Path) -> None:
    mount = Mount("/usr", "/workspace")
    with pytest.raises(WrongUsage) as wrong:
        configure(
            file,
            environment={"REFOLD_SANDBOX": "moon"},
            options={"agent": "wizard", "runtime.mounts": (mount,)},
        )
    assert [line.strip().partition(": ")[0] for line in str(wrong.value).splitlines()] == [
        "option",
        "$REFOLD_SANDBOX",
        "option",
    ]


def test_the_file_that_the_documents_show_is_one(tmp_path: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    path = tmp_path / "shown.toml"
    path.write_text(document.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    configured = configure(path, environment={})
    shown = {each.key for each in configured.values if each.source == str(path)}
    assert {"limits.iterations", "models.mine.price.prompt", 'prices."openai/small".cached'} <= shown
    keys = {f"limits.{field.name}" for field in fields(Limits)} | {f.name for f in fields(Configuration)}
    known = shown | {key.partition(".")[0] for key in shown}
    assert keys - known == {"base_url", "price"}


def test_what_nobody_set_is_shown_too(tmp_path: Path) -> None:
    configured = configure(environment={"XDG_CONFIG_HOME": str(tmp_path)})
    shown = {each.key: (each.value, each.source) for each in configured.values}
    assert shown["runtime.offline"] == (False, "default")
    assert shown["runtime.limits.processes"] == (None, "default")


def test_every_choice_of_a_start_has_a_default_in_one_place_and_every_key_is_one() -> None:
    listed, taken = get_type_hints(AllChoices), inspect.signature(begin).parameters
    assert set(taken) == {"home", "session", *listed}
    assert set(Configuration().options()) == set(listed) - {"workspace", "instructions"}
    needed = {name for name, each in taken.items() if each.default is inspect.Parameter.empty}
    assert needed == {"home", "session", "model", "sandbox"}


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('network = 1\nconfirm = "x"', encoding="utf-8")
    with pytest.raises(WrongUsage) as wrong:
        configure(path, environment={"REFOLD_LIMITS_RETRIES": "many"})
    lines = str(wrong.value).splitlines()
    assert [line.strip().split(" ")[1] for line in lines] == ["network", "confirm", "limits.retries"]
    assert "$REFOLD_LIMITS_RETRIES" in lines[-1]


def test_a_file_that_is_not_there_is_an_error_only_if_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="is not there"):
        configure(tmp_path / "none.toml", environment={})
    assert configure(environment={"XDG_CONFIG_HOME": str(tmp_path)}).file is None


def test_a_session_starts_with_the_model_that_its_name_means(file: Path, tmp_path: Path) -> None:
    settings = begun(tmp_path, configure(file, environment={}))
    assert settings.model == f"script:{tmp_path / 'answers.jsonl'}"
    assert settings.price == Price(1.0, 2.0)
    assert settings.iterations_max == 7
    condensing = for_purpose(settings, "condense")
    assert condensing.model == "openai/mine"
    assert (condensing.base_url, condensing.key_env) == ("http://127.0.0.1:9/v1", "MY_KEY")
    assert condensing.parameters == {"temperature": 0.2}
    assert condensing.price == Price(3.0, 4.0)
    assert for_purpose(settings, "step") == settings


def test_a_repository_of_the_file_is_read_from_where_the_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('repository = "project"\nbranch = "main"\n', encoding="utf-8")
    assert configure(path, environment={}).configuration.repository == "project"
    (tmp_path / "project").mkdir()
    configured = configure(path, environment={"REFOLD_BRANCH": "next", "REFOLD_RUNTIME_LEASE_S": "2"})
    configuration = configured.configuration
    assert (configuration.repository, configuration.branch) == (str(tmp_path / "project"), "next")
    assert source(configured, "branch") == "$REFOLD_BRANCH"
    assert configuration.runtime.lease_s == 2
    assert source(configured, "runtime.lease_s") == "$REFOLD_RUNTIME_LEASE_S"
    settings = begun(tmp_path, configured, model="script:x", start_timeout_s=9)
    assert (settings.repository, settings.branch) == (str(tmp_path / "project"), "next")
    assert settings.start_timeout_s == 9


def test_what_belongs_to_one_model_does_not_stay_with_the_next(file: Path, tmp_path: Path) -> None:
    settings = begun(tmp_path, configure(file, environment={}))
    other = with_model(settings, "anthropic/other")
    assert other.model == "anthropic/other"
    assert (other.price, other.base_url, other.key_env, other.parameters) == (None, None, None, {})


@pytest.mark.parametrize("given", [{"model": "nobody"}, {"purposes": {"condense": "nobody"}}])
def test_a_name_that_no_model_has_is_refused_with_those_that_there_are(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    options: dict[str, Any] = {
        "model": "fast",
        "models": {"fast": ModelSettings(model="script:x")},
    } | given
    with pytest.raises(WrongUsage, match=r'is "nobody"; it must be .*fast'):
        begin(Home(tmp_path), "s", sandbox="local", **options)


CONDENSER = """
model = "script:answers.jsonl"
[condenser]
type = "pipeline"
[[condenser.condensers]]
type = "masking"
window = 9
[[condenser.condensers]]
type = "summary"
model = "small"
[models.small]
model = "openai/small"
"""


def test_b41_a_condenser_is_configured_by_its_type(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONDENSER, encoding="utf-8")
    configuration = configure(path, environment={}).configuration
    expected = Pipeline(condensers=(ObservationMasking(window=9), Summary(model="small")))
    assert configuration.options().get("condenser") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('type = "recent"\nkeep_frist = 2', "condenser.keep_frist is unknown; did you mean keep_first?"),
        ('type = "recent"\nkeep_first = "a"', 'condenser.keep_first is "a"; it must be a whole number'),
        ('type = "amnesia"', 'condenser is {"type": "amnesia"}; it must be a table with type = "none"'),
        (
            'type = "pipeline"\n[[condenser.condensers]]\ntype = "masking"\nwindw = 1',
            "condenser.condensers[1].windw is unknown; did you mean window?",
        ),
    ],
)
def test_b41_a_mistake_in_a_condenser_is_told_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[condenser]\n{text}\n", encoding="utf-8")
    with pytest.raises(WrongUsage) as told:
        configure(path, environment={})
    assert said in str(told.value)


def test_b41_a_session_does_not_start_with_a_condenser_that_leaves_no_room(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(WrongUsage, match="keep_first must be less than half of messages_max, here at most 4"):
        begin(home, "a", model="openai/x", sandbox="local", condenser=Summary(keep_first=5, messages_max=10))
    with pytest.raises(WrongUsage, match=r'condenser\.model is "unheard-of"'):
        begin(home, "a", model="openai/x", sandbox="local", condenser=Summary(model="unheard-of"))
    with pytest.raises(WrongUsage, match=r"the price of openai/cheap is unknown"):
        begin(
            home,
            "a",
            model="openai/x",
            price=Price(1.0, 2.0),
            budget_usd=1.0,
            sandbox="local",
            condenser=Summary(model="openai/cheap"),
        )
