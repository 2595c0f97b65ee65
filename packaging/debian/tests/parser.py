"""The private HTML parser, used as the gate uses it: a tree as browsers see it, written out, cut, asked by selectors.

The name of its module is the one argument. Ends with an AssertionError or an ImportError where something is amiss.
"""

import importlib
import sys

module = importlib.import_module(sys.argv[1])
assert module.__file__ and module.__file__.endswith(".abi3.so"), module.__file__

for _ in range(200):
    tree = module.LexborHTMLParser("<p title='>'>one<b>two</p><style>p{}</style></html>three &amp; \u00e9")
    tree.strip_tags(["style"], recursive=True)
    assert tree.html is not None
    assert "<b>two</b>" in tree.html
    assert "three &amp; \u00e9" in tree.html
    assert "p{}" not in tree.html
    assert [node.text() for node in tree.css("b")] == ["two", "three & \u00e9"]
    assert tree.css_first("p").attributes == {"title": ">"}
    assert module.LexborHTMLParser(b"\xff<i>\0").html is not None
try:
    module.LexborHTMLParser(None)
except (TypeError, ValueError):
    pass
else:
    raise AssertionError("None was parsed")
