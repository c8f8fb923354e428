"""The app's secrets: one set for all machines, read by each when it boots, shown only as digests.

What is set reaches a machine at its next start or update. Until then machines differ, as on Fly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sim.errors import InputError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DIGEST_DIGITS = 16


@dataclass(frozen=True)
class SecretDigest:
    """What is shown of a secret: its name and a digest that tells one value from another.

    It was set last with that `version` of the secrets, at that instant of the world's clock.
    """

    name: str
    digest: str
    version: int
    set_s: float


class AppSecrets(Mapping[str, str]):
    """The values as a machine that boots now gets them. `version` counts the changes.

    `hide` is given new values before anything can print them.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        hide: Callable[[Iterable[str]], object] = tuple,
    ) -> None:
        self._values = dict(values or {})
        self._hide = hide
        self.version = 1
        self._set = dict.fromkeys(self._values, (self.version, 0.0))

    def __repr__(self) -> str:
        return f"<AppSecrets version {self.version}: {', '.join(self._values) or 'none'}>"

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def change(self, values: Mapping[str, str | None], now_s: float = 0.0) -> int:
        """Set these, and remove those that are None, at that instant. Returns the new version.

        Raises InputError for a name that no environment can hold; then nothing was changed.
        """
        for name, value in values.items():
            if not _NAME.fullmatch(name):
                raise InputError(f"a secret cannot be called {name!r}: letters, digits and _")
            if value is not None and "\0" in value:
                raise InputError(f"the value of secret {name} has a NUL, which no environment has")
        self._hide(value for value in values.values() if value is not None)
        self.version += 1
        for name, value in values.items():
            if value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value
                self._set[name] = self.version, now_s
        return self.version

    def digests(self) -> list[SecretDigest]:
        """What may be shown, in the order of the names."""
        return [
            SecretDigest(name, digest(self._values[name]), *self._set[name])
            for name in sorted(self._values)
        ]


def digest(value: str) -> str:
    """A value's digest: of 64 bits, as Fly's are."""
    return hashlib.sha256(value.encode()).hexdigest()[:_DIGEST_DIGITS]
