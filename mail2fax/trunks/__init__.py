"""Which trunk carries a call: the choice, and the lines that are taken."""

from mail2fax.trunks.choice import NoTrunk, Obstacle, Standing, Wanted, choose, tried_of, wanted_of
from mail2fax.trunks.lines import Line, Lines

__all__ = ["Line", "Lines", "NoTrunk", "Obstacle", "Standing", "Wanted", "choose", "tried_of", "wanted_of"]
