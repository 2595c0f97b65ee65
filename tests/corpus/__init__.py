"""Labelled mail, measured: how often the gate finds what a person found in the same messages."""
