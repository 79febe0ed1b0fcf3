"""The evidence of a call, for the person who must say whose fault it was: as text, and read for its tell-tale signs."""
