"""Where programs listen: the kernel's tables, and this process's own sockets."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sim.processes.listening import Listener, listeners, listening_sockets

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode"
REST = "00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 0000 100 0 0"


def table(*rows):
    return "\n".join([HEAD, *(f"   0: {at} {REST.format(st, inode)}" for at, st, inode in rows)])


def test_a_socket_that_listens_is_told_with_its_inode():
    text = table(("0100007F:0BB8", "0A", 71), ("0100007F:0BB8", "01", 72))
    assert [*listening_sockets(text)] == [("71", Listener("127.0.0.1", 3000))]


@pytest.mark.parametrize(
    ("digits", "host"),
    [
        ("00000000", "0.0.0.0"),
        ("0" * 32, "::"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
    ],
)
def test_addresses_are_read_as_the_kernel_prints_them(digits, host):
    assert [where.host for _, where in listening_sockets(table((f"{digits}:1F90", "0A", 1)))] == [
        host
    ]


def test_where_a_program_listens_is_found_and_gone_with_it():
    listens = "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    says = "print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", listens + says],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline())
        assert listeners(program.pid) == [Listener("127.0.0.1", port)]
        program.communicate("\n")
    assert listeners(program.pid) == []


def test_nothing_is_said_of_a_process_that_is_gone():
    assert listeners(2**22 + 1) == []
