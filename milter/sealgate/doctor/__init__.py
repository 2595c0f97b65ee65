"""What may be wrong between the MTA, the gate and this host, as rules over values.

`sealgate doctor` gathers what `postconf`, sendmail.cf, the file system and the gate say into one `Host`; every rule of
`catalogue` then looks at it and gives findings: what is, why it matters, what to paste. Pure: nothing here opens a
file, runs a program or raises; what could not be found out is a finding of its own level, never a guess.
"""
