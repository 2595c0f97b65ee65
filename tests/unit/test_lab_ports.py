"""Ports for servers of the lab: no two processes of the tests are given the same, nor one that is taken."""

import socket
import subprocess
import sys

from tests.lab.gate import ROOT
from tests.lab.ports import answers, free_ports

CODE = "import sys, tests.lab.ports as p; p._LOWEST = 59_000; print(*p.free_ports(200), flush=True); sys.stdin.read()"


def test_what_one_process_holds_no_other_is_given_until_it_ends() -> None:
    """All choose among the same thousand."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    given = [set(map(int, process.stdout.readline().split())) for process in running if process.stdout]
    assert [len(ports) for ports in given] == [200, 200, 200]
    assert len(given[0] | given[1] | given[2]) == 600
    for process in running:
        process.communicate("")
        assert process.returncode == 0


def test_a_port_that_is_taken_is_not_given() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    with socket.create_server(("127.0.0.1", ports[0])):
        assert answers(ports[0])
        assert ports[0] not in free_ports(50)
    assert not answers(ports[0])
