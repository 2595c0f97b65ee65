"""Colours as mail writes them, and how far apart two of them are.

`colour_of` reads a CSS colour (CSS Color 4: names, `#rgb`, `rgb()`, `hsl()`, with alpha), `legacy_colour` what stands
in `bgcolor` and `<font color>`, and `contrast` is the ratio of WCAG 2.1 (1.4.3). Nothing raises: what cannot be read is
None.
"""

import re
from colorsys import hls_to_rgb
from functools import lru_cache
from types import MappingProxyType
from typing import Final

Colour = tuple[int, int, int, float]
"""Red, green and blue, 0 to 255, and alpha, 0 to 1."""

BLACK: Final[Colour] = (0, 0, 0, 1.0)
WHITE: Final[Colour] = (255, 255, 255, 1.0)
CLEAR: Final[Colour] = (0, 0, 0, 0.0)

_NAMED: Final = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b
darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1
darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222
floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520
gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082
ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6
lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3
lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899
lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6
magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db
mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585
midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6
olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98
paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513
salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb
slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c
teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5
yellow ffff00 yellowgreen 9acd32
"""
_NUMBER = re.compile(r"([+-]?(?:\d{1,6}(?:\.\d{0,9})?|\.\d{1,9}))(%|deg|turn)?")


def _of_hex(digits: str) -> Colour | None:
    if len(digits) in (3, 4):
        digits = "".join([digit * 2 for digit in digits])
    if len(digits) not in (6, 8) or digits.strip("0123456789abcdef"):
        return None
    alpha = int(digits[6:], 16) / 255 if len(digits) == 8 else 1.0
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16), alpha


_words = _NAMED.split()
_NAMES: Final = MappingProxyType(
    {name: _of_hex(digits) for name, digits in zip(_words[::2], _words[1::2], strict=True)} | {"transparent": CLEAR}
)


def colour_of(value: str) -> Colour | None:
    """Read a CSS colour in lower case; None for all else, such as `inherit`, system colours and variables."""
    if value in _NAMES:
        return _NAMES[value]
    if value[:1] == "#":
        return _of_hex(value[1:])
    name, bracket, rest = value[:200].partition("(")
    if not bracket or name not in ("rgb", "rgba", "hsl", "hsla"):
        return None
    numbers = [(float(number), unit) for number, unit in _NUMBER.findall(rest)]
    if len(numbers) not in (3, 4):
        return None
    alpha = _share(*numbers[3]) if len(numbers) == 4 else 1.0
    if name[0] == "h":
        turn = numbers[0][0] if numbers[0][1] == "turn" else numbers[0][0] / 360
        rgb = hls_to_rgb(turn % 1.0, _share(numbers[2][0], "%"), _share(numbers[1][0], "%"))
        return round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255), alpha
    red, green, blue = [round(255 * _share(n, unit) if unit else min(255.0, max(0.0, n))) for n, unit in numbers[:3]]
    return red, green, blue, alpha


def legacy_colour(value: str) -> Colour | None:
    """Read the colour of an attribute (HTML 2.4.6, without the rules for what nobody means)."""
    value = value.strip().lower()
    return _NAMES.get(value) or _of_hex(value.removeprefix("#"))


def over(upper: Colour, lower: Colour) -> Colour:
    """Lay a colour that may let light through over one that does not."""
    alpha = upper[3]
    if alpha >= 1.0:
        return upper
    red, green, blue = [round(alpha * a + (1 - alpha) * b) for a, b in zip(upper[:3], lower[:3], strict=True)]
    return red, green, blue, 1.0


@lru_cache(maxsize=1024)
def contrast(letters: Colour, ground: Colour) -> float:
    """Return the ratio of WCAG 2.1, 1 to 21, rounded to hundredths; `ground` lets no light through."""
    one, other = _luminance(over(letters, ground)), _luminance(ground)
    return round((max(one, other) + 0.05) / (min(one, other) + 0.05), 2)


def _luminance(colour: Colour) -> float:
    red, green, blue = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _share(number: float, unit: str) -> float:
    return min(1.0, max(0.0, number / 100 if unit == "%" else number))
