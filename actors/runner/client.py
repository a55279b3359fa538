"""The driver's side of a runner, in one place: launch one, connect to one, and what it promises."""

from refold.actors.runner.launch import launch
from refold.actors.runner.link import RunnerClient, connect
from refold.actors.runner.recovery import Recovery, collect_or_execute, recover
from refold.actors.runner.runner import (
    KeyState,
    LaunchFailed,
    OnGlimpse,
    Runner,
    RunnerError,
    RunnerLost,
    RunnerRefused,
    RunnerSpec,
)

__all__ = [
    "KeyState",
    "LaunchFailed",
    "OnGlimpse",
    "Recovery",
    "Runner",
    "RunnerClient",
    "RunnerError",
    "RunnerLost",
    "RunnerRefused",
    "RunnerSpec",
    "collect_or_execute",
    "connect",
    "launch",
    "recover",
]
