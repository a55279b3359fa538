"""Every planted bug, by name.

The command hunts all of them. `OPEN` names those that no seed has found yet, or whose stories stay longer
than three deviations: what the simulator or the shrinker still has to learn. CI hunts the others.
"""

from tests.mutations.approving import APPROVALS
from tests.mutations.bug import Bug
from tests.mutations.circling import CIRCLING
from tests.mutations.committing import LOG, SESSION
from tests.mutations.deciding import DECIDERS, TIMERS
from tests.mutations.delegating import DELEGATION
from tests.mutations.following import DISPATCH, FOLLOWERS, MEMORY, RUNTIME
from tests.mutations.forgetting import FORGETTING
from tests.mutations.reenacting import REENACTMENT
from tests.mutations.starting import STARTS
from tests.mutations.steering import FORKS, STEERING
from tests.mutations.tools import TOOLS

BUGS: dict[str, Bug] = {
    bug.name: bug
    for bug in (
        *SESSION,
        *LOG,
        *DECIDERS,
        *STEERING,
        *APPROVALS,
        *CIRCLING,
        *REENACTMENT,
        *TIMERS,
        *FOLLOWERS,
        *RUNTIME,
        *MEMORY,
        *FORGETTING,
        *DISPATCH,
        *TOOLS,
        *STARTS,
        *DELEGATION,
        *FORKS,
    )
}

OPEN: tuple[str, ...] = ()
