"""`python -m refold` is `refold`."""

from refold.cli.main import main

main()
