"""The checks: pure functions from a message, facts and the profile to findings.

The tuples at the end of `checks.run` are the table of contents of the product.
"""
