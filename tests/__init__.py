"""Tests of sealgate."""
