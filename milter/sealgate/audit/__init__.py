"""The record: what one audit line holds and how lines are chained. Pure; the file itself is an adapter's."""
