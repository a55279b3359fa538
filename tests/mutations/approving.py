"""Bugs in risks and approvals: what is assessed, what waits for whom, what an approval covers."""

from tests.mutations.bug import Bug

_RISKY = ("risky",)

APPROVALS = (
    Bug(
        name="a risk that just reaches the threshold is not asked about",
        family="approvals",
        file="actors/controller/policy.py",
        edits=(("return _RANK[risk] >= _RANK[threshold]", "return _RANK[risk] > _RANK[threshold]"),),
        scenarios=_RISKY,
    ),
    Bug(
        name="an unknown risk passes where it should count as risky",
        family="approvals",
        file="actors/controller/policy.py",
        edits=(('opened.risk is None or opened.risk == "unknown" or', "opened.risk is None or"),),
        scenarios=_RISKY,
    ),
    Bug(
        name="the policy of the start holds whatever it is changed to",
        family="approvals",
        file="actors/session/evolve.py",
        edits=(
            (
                "confirm=settings.confirm if event.confirm is None else event.confirm,",
                "confirm=settings.confirm,",
            ),
        ),
        scenarios=_RISKY,
    ),
    Bug(
        name="an answer waits where its last action is risky, and not where its next one is",
        family="approvals",
        file="actors/controller/confirmation.py",
        edits=(("or may_start(state, hands.open[0]):", "or may_start(state, hands.open[-1]):"),),
        scenarios=_RISKY,
    ),
    Bug(
        name="behind a call that was refused each action gets the risk of another one",
        family="approvals",
        file="actors/controller/decide.py",
        edits=(
            (
                "        assessed = assessments[index] if index < len(assessments) else None\n",
                (
                    "        index -= sum(isinstance(fact, CallRefused) for fact in facts)\n"
                    "        assessed = assessments[index] if index < len(assessments) else None\n"
                ),
            ),
        ),
        scenarios=_RISKY,
    ),
    Bug(
        name="an analyzer that fails leaves the actions unassessed",
        family="approvals",
        file="actors/security/answers.py",
        edits=(
            (
                "return tuple(None if action is None else failed for action in wanted)",
                "return () and (failed,)",
            ),
        ),
        scenarios=_RISKY,
    ),
    Bug(
        name="a rejection answers the first of the waiting actions only",
        family="approvals",
        file="actors/controller/confirmation.py",
        edits=(
            (
                'reason="rejected")) for opened in waiting),',
                'reason="rejected")) for opened in waiting[:1]),',
            ),
        ),
        scenarios=_RISKY,
    ),
    Bug(
        name="an approval covers the first of the waiting actions only",
        family="approvals",
        file="actors/controller/confirmation.py",
        edits=(
            (
                "versions = tuple(opened.version for opened in waiting)\n",
                "versions = tuple(opened.version for opened in waiting[:1])\n",
            ),
        ),
        scenarios=_RISKY,
    ),
)
