"""Parsers fed with what nobody meant: each gives a value or our own error, in bounded time and memory.

    make test                   some seconds for each target, always the same inputs
    make fuzz                   a minute for each, anew each time
    make fuzz FUZZ_S=3600       an hour for each

`loop` does the work: good input from a corpus is mutated by a seeded generator. A file of this folder holds the
targets of one room; `helper/corpus` is the C helper's saved corpus, as text (`corpus.py`). What is found goes into
the unit tests of that room as a test of its own.
"""
