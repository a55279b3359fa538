"""The runner's half outside the sandbox: socket, journal and results; it survives whoever launched it.

Like the executor it runs as a plain folder of modules and imports the standard library only: it must start in
a blink, and nothing of the driver may be able to bring it down.
"""
