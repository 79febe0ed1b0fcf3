"""What is raised where there is neither yes nor no to a mail."""


class Undecided(Exception):
    """Whether a mail is signed cannot be known now: the name servers do not answer. Later it can."""
