"""What `refold.testing` offers is there, and loads when it is used."""

import subprocess
import sys

import refold.testing


def test_every_name_is_there() -> None:
    for name in refold.testing.__all__:
        assert getattr(refold.testing, name) is not None


def test_looking_at_the_package_loads_nothing_of_it() -> None:
    heavy = {"hypothesis", "pytest", "pykka", "lmdb", "refold.testing.sessions"}
    code = f"import sys, refold.testing; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
