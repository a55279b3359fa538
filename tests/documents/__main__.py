"""Writes the documents that are made of the code and the tests.

python -m tests.documents
"""

from tests.documents import behaviour, states, vocabulary


def main() -> None:
    behaviour.DOCUMENT.write_text(behaviour.behaviour())
    states.DOCUMENT.write_text(states.states())
    vocabulary.DOCUMENT.write_text(vocabulary.vocabulary())


if __name__ == "__main__":
    main()
