"""The seal: DKIM canonical forms, the plan of signatures, and the signatures themselves (RFC 6376, RFC 8463)."""
