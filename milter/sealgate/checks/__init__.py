"""The checks: pure functions from a message, facts and the profile to findings.

`checks.rules` is the catalogue of what they may find; `app.screen` names them in their order.
"""
