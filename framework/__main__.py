"""`python -m framework`: the command line, where the command `services` is not installed."""

from framework.commands import main

main()
