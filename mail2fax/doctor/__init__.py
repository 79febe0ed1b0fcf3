"""The doctor: looks at everything a working gateway needs, and says the next step for what is not well.

`examine.py` has the list of checks. Each is one function that says what it found as values. To add one, write it and
put it into the list, with its time limit.
"""
