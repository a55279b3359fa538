"""The runner's half inside the sandbox: a shell, files, and nothing of Refold but this folder.

It runs as a plain folder of modules under `python -I -S` wherever it is mounted, so its modules name each
other relatively and import the standard library only.
"""
