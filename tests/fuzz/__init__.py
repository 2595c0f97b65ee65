"""Fuzzing: what strangers and operators write is made worse, octet by octet, until a parser fails or none does.

A *target* takes any octets and raises nothing unless something is wrong: an exception that the function in question
does not document, two implementations that disagree, or more processor time than the size of the input allows.
`targets` lists them; `python -m tests.fuzz` runs them.
"""
