"""Ways to send as somebody else: shapes of hostile mail, and of honest mail that looks like it, as data.

`sealgate attack` sends them through a relay of one's own; the tests send them through ours. Knows nothing of the rest
of the package: what must come of a shape is said by what it is, not by what the gate would answer. `catalogue.SHAPES`
has them all; one module a family of ideas.
"""
