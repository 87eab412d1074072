"""The programs that drive clients written in Python, Java and JavaScript: each is a process of its own.

The Python ones are started as scripts, since the interpreter may be another one that has no aurora_wire:
they import only the standard library, the client, and `story` beside them.
"""
