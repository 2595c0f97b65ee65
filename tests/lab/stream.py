"""A steady stream of good mail through a gate, in a process of its own, with the time that each message took.

    python -m tests.lab.stream SOCKET [CONNECTIONS [PAUSE]]

Each connection sends one message after the other, with a pause of so many seconds between two, until standard input is
closed. Then every message is a line on standard output: when it began (the monotonic clock), the seconds from MAIL to
the answer, and the code of the answer.
"""

import sys
import threading
import time

from tests.drivers.cases import all_cases
from tests.drivers.socket import transact
from tests.drivers.wire import Wire


def main() -> None:
    socket, *more = sys.argv[1:]
    connections, pause = int(more[0]) if more else 4, float(more[1]) if more[1:] else 0.02
    case = next(case for case in all_cases() if case.name == "lawful-newsletter")
    taken: list[tuple[float, float, str]] = []
    is_over = threading.Event()

    def send() -> None:
        with Wire(socket) as wire:
            wire.negotiate()
            wire.connect("localhost", "127.0.0.1", 40000, {"daemon_name": "submission"})
            wire.helo()
            while not is_over.wait(pause):
                began = time.monotonic()
                answer = transact(wire, case)
                taken.append((began, time.monotonic() - began, answer.code))

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    is_over.set()
    for thread in threads:
        thread.join()
    sys.stdout.writelines(f"{began} {seconds} {code}\n" for began, seconds, code in taken)


if __name__ == "__main__":
    main()
