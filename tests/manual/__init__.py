"""The manual pages that say what the program says of itself: its verbs, its two files, the lines of its record.

`pages.written()` gives each page by the name of its file. tests/unit/test_doc_man.py compares them with doc/man, and
`python -m tests.unit.test_doc_man` writes them anew. Nothing here is needed to run the gate.
"""
