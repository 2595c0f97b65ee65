"""What the operator asked for: the profile (policy, reloadable) and the service settings (need a restart)."""
