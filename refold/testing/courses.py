"""A run said by what differs from the plain course: which letter waited for which, and what struck where.

Decisions are numbers, and each that is taken out moves those behind it. Letters have names, and so have the
moments at which something was asked: after this letter, the second question. What is taken out of a course
leaves the rest of it what it was.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from refold.actors.dispatch.choosers import Chooser, Occasion, Way
from refold.actors.dispatch.stepper import Stepper
from refold.actors.dispatch.story import FAULT, Story
from refold.testing.simulation import Run, Scenario

type Letter = tuple[str, str, int]
"""From whom, to whom, and the how manieth of theirs; work that is done is a letter, too."""
type Moment = tuple[Letter | None, int]
"""A question that was asked: after which letter, and the how manieth since."""


class Course(Struct, frozen=True):
    """`holds` says until which other letter each one waits, `answers` what differs from all going well."""

    holds: Mapping[Letter, Letter]
    answers: Mapping[Moment, int]

    @property
    def size(self) -> int:
        return len(self.holds) + len(self.answers)

    def held(self, letter: Letter, until: Letter) -> "Course":
        """Return it with another end of this hold."""
        return Course({**self.holds, letter: until}, self.answers)

    def without(self, first: int, last: int) -> "Course":
        """Return it without these of its parts, holds before answers, each in the order of its time."""
        holds, answers = list(self.holds.items()), list(self.answers.items())
        count = len(holds)
        return Course(
            dict(holds[:first] + holds[last:]),
            dict(answers[: max(first - count, 0)] + answers[max(last - count, 0) :]),
        )


class Overhearing:
    """The scenario, with its story read along: choosers are asked about what is next, not told what was."""

    def __init__(self, scenario: Scenario, reader: "Reader") -> None:
        self._scenario, self._reader = scenario, reader

    @property
    def name(self) -> str:
        return self._scenario.name

    def run(self, stepper: Stepper, seed: int) -> Run:
        self._reader.story = stepper.story
        return self._scenario.run(stepper, seed)


class Reader:
    """Counts the letters of a story, and the questions since the last one."""

    def __init__(self) -> None:
        self.story = Story()
        self.delivered: set[Letter] = set()
        self._counts = Counter[Way]()
        self._read = self._asked = 0
        self._last: Letter | None = None

    def moment(self) -> Moment:
        """Return the name of the question that is asked now."""
        self._asked += 1
        return self._last, self._asked

    def read(self) -> None:
        """Take in what has happened since."""
        for _, source, target, _ in self.story.entries[self._read :]:
            if source != FAULT:
                way = source, target
                self._counts[way] += 1
                self._last, self._asked = (source, target, self._counts[way]), 0
                self.delivered.add(self._last)
        self._read = len(self.story.entries)

    def next_of(self, way: Way) -> Letter:
        """Return the letter of this channel that comes next."""
        return (*way, self._counts[way] + 1)


class Steered(Reader):
    """A chooser that follows a course: the oldest letter goes first that waits for no other."""

    def __init__(self, course: Course) -> None:
        super().__init__()
        self._course = course

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        self.read()
        if not ways:
            return self._course.answers.get(self.moment(), 0) % count
        for number, way in enumerate(ways):
            until = self._course.holds.get(self.next_of(way))
            if until is None or until in self.delivered:
                return number
        return 0

    def trouble(self, count: int, _: Occasion, /) -> int:
        self.read()
        return self._course.answers.get(self.moment(), 0) % (count + 1)


class Noted(Reader):
    """A chooser that writes down the course on which its inner one leads."""

    def __init__(self, inner: Chooser) -> None:
        super().__init__()
        self._inner = inner
        self.overtaken: dict[Letter, list[Letter]] = {}
        """Letters that were held back, each with those that came before it instead, in their order."""
        self._answers: dict[Moment, int] = {}

    @property
    def course(self) -> Course:
        return Course({letter: by[-1] for letter, by in self.overtaken.items()}, dict(self._answers))

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        self.read()
        choice = self._inner.choose(count, ways)
        if not ways:
            return self._note(choice)
        for way in ways[:choice]:
            self.overtaken.setdefault(self.next_of(way), []).append(self.next_of(ways[choice]))
        return choice

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        self.read()
        return self._note(self._inner.trouble(count, occasion))

    def _note(self, answer: int) -> int:
        moment = self.moment()
        if answer:
            self._answers[moment] = answer
        return answer
