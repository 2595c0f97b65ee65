"""Sealgate beside the milters that sites sign with today, behind one real Postfix each; `make compare`."""
