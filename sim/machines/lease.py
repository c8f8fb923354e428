"""Leases: the right to be the only one who changes a machine, for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.errors import InputError


class LeaseHeldError(InputError):
    """Somebody else holds the machine's lease."""


class NoLeaseError(InputError):
    """The machine has no lease, or the nonce is of another."""


@dataclass(frozen=True)
class Lease:
    """Held by whoever knows the nonce, until `expires_s` (simulated)."""

    nonce: str
    expires_s: float
    owner: str = ""
    description: str = ""


def current(lease: Lease | None, now_s: float) -> Lease | None:
    """The lease, unless it has expired."""
    return lease if lease and lease.expires_s > now_s else None


def demand(lease: Lease | None, nonce: str | None, now_s: float, machine: str) -> None:
    """Let through who holds the lease, or anyone where nobody does. Raises LeaseHeldError."""
    held = current(lease, now_s)
    if held and held.nonce != nonce:
        left_s = held.expires_s - now_s
        by = f" by {held.owner}" if held.owner else ""
        raise LeaseHeldError(f"machine {machine} is leased{by} for {left_s:.0f} s more")


def refreshed(
    lease: Lease | None, nonce: str | None, now_s: float, expires_s: float, machine: str
) -> Lease:
    """The lease with a later end, for its holder. Raises LeaseHeldError or NoLeaseError."""
    demand(lease, nonce, now_s, machine)
    if (held := current(lease, now_s)) is None:
        raise NoLeaseError(f"machine {machine} has no lease")
    return replace(held, expires_s=expires_s)
