from pathlib import Path

import pytest

from sim.machines.docker import container_nameservers

RESOLVED = "# systemd\nnameserver 127.0.0.53\noptions edns0\n"
UPSTREAM = "nameserver 10.0.0.2\nnameserver ::1\nnameserver fe80::1%eth0\n"


@pytest.mark.parametrize(
    ("own", "files", "asked"),
    [
        ("10.44.150.1:53", [UPSTREAM], ["10.44.150.1", "10.0.0.2", "fe80::1%eth0"]),
        ("10.44.150.1:53", [RESOLVED, UPSTREAM], ["10.44.150.1", "10.0.0.2", "fe80::1%eth0"]),
        ("10.44.150.1:1053", [UPSTREAM], None),  # a resolver asks at port 53
        ("10.44.150.1:53", [RESOLVED], None),  # nobody would be left for other names
        (None, [UPSTREAM], None),
    ],
)
def test_a_container_asks_its_region_first_and_the_hosts_own_then(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    own: str | None,
    files: list[str],
    asked: list[str] | None,
) -> None:
    paths = [tmp_path / str(number) for number in range(len(files))]
    for path, text in zip(paths, files, strict=True):
        path.write_text(text)
    monkeypatch.setattr(container_nameservers, "_FILES", (*paths, tmp_path / "none"))
    assert container_nameservers.nameservers(own) == asked
