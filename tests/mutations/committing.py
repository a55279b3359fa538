"""Bugs in who writes and who is told when: the Session actor, the rules of admission, the file."""

from tests.mutations.bug import Bug

_EARLY = """\
            self._append()
            version, told = self._state.version, list[Record]()
            for proposal in self._flight:
                for entry in proposal.entries:
                    for event in entry.events:
                        version += 1
                        told.append(
                            Record(
                                position=version,
                                stream=self._stream,
                                version=version,
                                at=entry.given.at,
                                event=event,
                                command=entry.given.id,
                                epoch=self._epoch,
                                digest=bytes(32),
                            )
                        )
            states = [state for proposal in self._flight for state in proposal.states]
            self._followers.tell(Committed(tuple(told), tuple(states), tuple(map(self._owed, states))))
            self.port.point("after append")"""

SESSION = (
    Bug(
        name="followers are told of what is handed in, before it is committed",
        family="session actor",
        file="actors/session/actor.py",
        edits=(('            self._append()\n            self.port.point("after append")', _EARLY),),
    ),
    Bug(
        name="a command is answered when it was decided, before it is committed",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "        self._hold(_Proposal(submit, tuple(entries), tuple(states)))",
                (
                    "        self._hold(_Proposal(submit, tuple(entries), tuple(states)))\n"
                    "        self._reply(submit, Reply(command=command.id))"
                ),
            ),
        ),
    ),
    Bug(
        name="a refusal is told before what it was decided on is committed",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "self._hold(_Proposal(submit, refused=str(refusal)))",
                "self._reply(submit, Reply(command=command.id, refused=str(refusal)))",
            ),
        ),
        scenarios=("steering on a slow disk",),
        chooser="lone fault",
        seeds_max=2_000,
    ),
    Bug(
        name="what was in flight is forgotten when the append is refused",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "self._catch_up(result, (*flight, *self._held))",
                "self._catch_up(result, self._held)",
            ),
        ),
        scenarios=("slow disk",),
        seeds_max=5_000,
    ),
    Bug(
        name="an append that found a full disk is never tried again",
        family="session actor",
        file="actors/session/actor.py",
        edits=(("self.port.at(key, when, self.name, TryAgain(self._batch))", "pass"),),
    ),
    Bug(
        name="any claim in the log is taken for one's own",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "self._claimed = record.event if record.command == self._claim else None",
                "self._claimed = record.event",
            ),
        ),
    ),
    Bug(
        name="a claim that a crash overtook is not said again",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "elif self._opening is not None and self._log.find(self._claim) is None:",
                "elif self._opening is not None and not self._state.life.epoch:",
            ),
        ),
    ),
    Bug(
        name="a command said twice is decided twice while the first is on its way",
        family="session actor",
        file="actors/session/actor.py",
        edits=(("if self._is_on_its_way(command.id):", "if False:"),),
    ),
    Bug(
        name="a command said twice is decided twice when the first is recorded",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                ("known = self._log.find(command.id) if asked else None\n        if known"),
                "known = None\n        if known",
            ),
        ),
    ),
    Bug(
        name="whatever lands is taken for what is in flight",
        family="session actor",
        file="actors/session/actor.py",
        edits=(("                if batch == self._batch:\n", "                if self._flight:\n"),),
        scenarios=("impatience",),
    ),
    Bug(
        name="what was told by who had read further than Session changes nothing",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "self._land(Appended((), again=head is not None and head.version > self._state.version))",
                "self._land(Appended((), again=head is None))",
            ),
        ),
        scenarios=("slow disk", "steering on a slow disk"),
        chooser="lone fault",
    ),
    Bug(
        name="an append of the incarnation before lands unheard",
        family="session actor",
        file="actors/session/actor.py",
        edits=(("elif not self._flight and isinstance(result, Appended):", "elif False:"),),
        scenarios=("slow disk", "impatience"),
        seeds_max=2_000,
    ),
    Bug(
        name="a failure that was told to the incarnation before is forgotten",
        family="session actor",
        file="actors/session/followers.py",
        edits=(("self._port.restart(name)  # Its failure may", "pass  # Its failure may"),),
        scenarios=("impatience", "standard"),
        seeds_max=2_000,
    ),
    Bug(
        name="a follower that failed is not rebuilt",
        family="session actor",
        file="actors/session/actor.py",
        edits=(
            (
                "            self.port.restart(failed.name)\n            return",
                "            return",
            ),
        ),
    ),
    Bug(
        name="what a new incarnation finds due is not performed again",
        family="session actor",
        file="actors/session/followers.py",
        edits=(("self._port.tell(name, PerformAgain())", "pass"),),
    ),
)

LOG = (
    Bug(
        name="the expected version is not checked",
        family="admission",
        file="eventlog/admission.py",
        edits=(("    if append.expected != found:", "    if append.expected > found:"),),
        scenarios=("impatience",),
        seeds_max=3_000,
    ),
    Bug(
        name="a command that is known is let in again",
        family="admission",
        file="eventlog/admission.py",
        edits=(("        if tables.command(append.commands[0].id) is None:", "        if append.commands:"),),
        scenarios=("writers",),
    ),
    Bug(
        name="the agenda of a stream that owes nothing is kept",
        family="admission",
        file="eventlog/memory_log.py",
        edits=(("self._agenda.pop(stream, None)", "pass"),),
    ),
    Bug(
        name="a commit does not sync",
        family="file",
        file="eventlog/environment.py",
        edits=(("        lock=lock,\n", "        lock=lock,\n        sync=False,\n"),),
        disk="lmdb",
    ),
    Bug(
        name="the ids of commands are not written to the file",
        family="file",
        file="eventlog/round.py",
        edits=(
            (
                "        self._write(dbs.commands, [",
                "        self._write(dbs.commands, [] and [",
            ),
        ),
        disk="lmdb",
    ),
    Bug(
        name="a round of a single record is acknowledged and not committed",
        family="file",
        file="eventlog/writer.py",
        edits=(("if tables.written:", "if tables.written > 1:"),),
        disk="lmdb",
    ),
)
