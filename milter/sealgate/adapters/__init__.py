"""One file an outside thing: libmilter, files, sockets of our own processes, systemd. None imports another."""
