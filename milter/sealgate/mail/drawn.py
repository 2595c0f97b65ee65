"""How a text is drawn once styles are inherited: whether it is seen, and whether it is small or faint.

Nothing here raises.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sealgate.mail.colour import BLACK, WHITE, Colour, contrast, over
from sealgate.mail.style import DEFAULT_SIZE, Style

UNSEEN_SIZE: Final = 2.0  # CSS pixels, and below
UNSEEN_CONTRAST: Final = 1.2  # below
SMALL_SIZE: Final = 9.0
FAINT_CONTRAST: Final = 3.0


@dataclass(slots=True, eq=False)
class Drawn:
    """How an element's text is drawn, with all that is inherited.

    Attributes:
        is_gone: not at all, and nothing in it either.
        is_seen: whether letters are seen.
        look: effective size and contrast where they are small or faint, else None.
        is_doubtful: it is shown to some readers only.
        is_plain: seen by all, and without a look.
    """

    is_gone: bool = False
    is_visible: bool = True
    size: float | None = None
    colour: Colour | None = BLACK
    ground: Colour | None = WHITE
    is_seen: bool = True
    look: tuple[float, float] | None = None
    is_doubtful: bool = False
    is_plain: bool = True

    def within(self, style: Style) -> "Drawn":
        """Return how the text of a child with this style is drawn."""
        if self.is_gone or style.is_gone:
            return Drawn(is_gone=True, is_seen=False, is_plain=False)
        size, ground = self.size, self.ground
        if style.size is not None:
            number, is_share = style.size
            size = min(number * (DEFAULT_SIZE if size is None else size), 1e6) if is_share else number
        if style.has_ground:
            ground = style.ground
            if ground is not None and ground[3] < 1.0:
                ground = None if self.ground is None else over(ground, self.ground)
        drawn = Drawn(
            is_visible=self.is_visible if style.is_visible is None else style.is_visible,
            size=size,
            colour=style.colour if style.has_colour else self.colour,
            ground=ground,
            is_doubtful=self.is_doubtful or style.is_doubtful,
        )
        drawn._judge()
        return drawn

    def _judge(self) -> None:
        size = DEFAULT_SIZE if self.size is None else self.size
        ratio = contrast(self.colour, self.ground) if self.colour and self.ground else 0.0
        if self.colour and self.colour[3] < 0.05:  # nothing shines through, whatever lies behind
            ratio = 1.0
        is_faint = 0 < ratio < FAINT_CONTRAST
        self.is_seen = self.is_visible and size > UNSEEN_SIZE and not 0 < ratio < UNSEEN_CONTRAST
        if self.is_seen and (size < SMALL_SIZE or is_faint):
            self.look = (round(self.size or 0.0, 2), ratio)
        self.is_plain = self.is_seen and self.look is None and not self.is_doubtful


PAGE: Final = Drawn()
"""Text that nothing was said of: black on white."""

within = lru_cache(maxsize=4096)(Drawn.within)
"""`Drawn.within`, kept: mail says the same again and again."""
