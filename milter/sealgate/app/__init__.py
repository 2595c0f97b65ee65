"""Use cases on ports: one transaction judged from MAIL to the reply. Knows no MTA, no file, no socket."""
