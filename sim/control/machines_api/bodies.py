"""What clients send: the parts of Fly's JSON that the simulator understands. Pure.

Keys that are not named here are kept with a config and given back, or passed over elsewhere, as
Fly does with what it does not know.
"""

from __future__ import annotations

import json
import signal as signals
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sim.control.machines_api.api_refusals import Refusal
from sim.topology.units import parse_duration

_NANOSECONDS = 1_000_000_000
_LONGEST_S = 86_400.0
# SIGKILL and SIGSTOP cannot be handled, but can be sent.
_SIGNALS = {number.name: number.value for number in signals.Signals}


def seconds(given: object) -> float:
    """Seconds of Fly's durations: `"15s"`, or nanoseconds as a number. Raises ValueError."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise ValueError('write a duration such as "15s", or nanoseconds as a number')  # noqa: TRY004
    found = parse_duration(given) if isinstance(given, str) else given / _NANOSECONDS
    if not 0 <= found <= _LONGEST_S:
        raise ValueError("a duration lies between 0s and 24h")
    return float(found)


def signal_number(given: object) -> int:
    """The number of a signal: `"SIGTERM"`, `"TERM"` or 15. Raises ValueError."""
    text = str(given).upper() if isinstance(given, (str, int)) else ""
    if text.isascii() and text.isdigit() and len(text) < 4 and int(text) in _SIGNALS.values():
        return int(text)
    name = text if text.startswith("SIG") else f"SIG{text}"
    if name in _SIGNALS:
        return _SIGNALS[name]
    raise ValueError(f"no signal is {given!r}; write one such as SIGTERM, or its number")


Seconds = Annotated[float, BeforeValidator(seconds)]
Signal = Annotated[int, BeforeValidator(signal_number)]
Port = Annotated[int, Field(ge=1, le=65535)]
EnvironmentName = Annotated[str, Field(pattern=r"^[^=\s]+$", max_length=256)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore")


class InitGiven(_Given):
    """What runs: `exec` instead of the image's entrypoint and command, or each of the two."""

    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None


class GuestGiven(_Given):
    """The size of a machine."""

    cpu_kind: str = "shared"
    cpus: int = Field(1, ge=1, le=64)
    memory_mb: int = Field(256, ge=16, le=1_048_576)


class HeaderGiven(_Given):
    """A header that a check is sent with."""

    name: str
    values: list[str] = Field(min_length=1)


class CheckGiven(_Given):
    """A health check of a service. What is left out is the simulator's choice: Fly names none."""

    type: Literal["http", "tcp"]
    path: str = "/"
    method: str = "GET"
    headers: list[HeaderGiven] | None = None
    interval: Annotated[float, BeforeValidator(seconds), Field(ge=0.1)] = 15.0
    timeout: Annotated[float, BeforeValidator(seconds), Field(ge=0.001)] = 2.0
    grace_period: Seconds = 5.0


class ServiceGiven(_Given):
    """What a machine offers through the edges; `raw` is all of it, to be given back."""

    raw: dict[str, Any]
    internal_port: Port = 8080
    checks: list[CheckGiven] | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, given: Any) -> Any:
        return {**given, "raw": given} if isinstance(given, dict) else given


class RestartGiven(_Given):
    """When a machine that ended is started again."""

    policy: Literal["no", "never", "on-failure", "always", "spot-price", ""] = ""
    max_retries: int = Field(10, ge=0, le=1000)


class StopGiven(_Given):
    """How a machine is asked to end."""

    signal: Signal | None = None
    timeout: Seconds | None = None


class ConfigGiven(BaseModel):
    """A machine's config."""

    model_config = ConfigDict(extra="allow")

    image: str | None = Field(None, min_length=1, max_length=512)
    env: dict[EnvironmentName, str] | None = None
    init: InitGiven | None = None
    guest: GuestGiven | None = None
    metadata: dict[str, str] | None = None
    services: list[ServiceGiven] | None = None
    restart: RestartGiven | None = None
    stop_config: StopGiven | None = None
    standbys: list[str] | None = None
    auto_destroy: bool | None = None


class LaunchGiven(_Given):
    """A new machine, or a new version of one."""

    config: ConfigGiven
    region: str | None = None
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=63)
    skip_launch: bool = False
    skip_service_registration: bool = False
    lease_ttl: int | None = Field(None, ge=1, le=3600)
    current_version: str | None = None
    min_secrets_version: int | None = None


class StopRequest(_Given):
    """How a machine is to end this time."""

    signal: Signal | None = None
    timeout: Seconds | None = None


class SignalRequest(_Given):
    """A signal for a machine."""

    signal: Signal


class LeaseRequest(_Given):
    """For how long, and what for."""

    ttl: int | None = Field(None, ge=1, le=3600)
    description: str = ""


class ExecRequest(_Given):
    """A command for a machine: as a shell splits it, or as a list. `timeout` is real seconds."""

    cmd: str | None = None
    command: list[str] | None = None
    stdin: str = ""
    timeout: int = Field(30, ge=1, le=60)


class MetadataRequest(_Given):
    """The value of a key."""

    value: str


class SecretRequest(_Given):
    """The value of a secret."""

    value: str


class SecretsRequest(_Given):
    """Values by name; null removes a secret."""

    values: dict[str, str | None]


class AppRequest(_Given):
    """A new app."""

    name: str = Field(min_length=1, max_length=63)


class PlacementsRequest(_Given):
    """How many machines to place, and where."""

    region: str = ""
    count: int = Field(1, ge=1, le=1000)


M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], raw: bytes) -> M:
    """The body of a request. Raises Refusal, which says what is wrong where; none is an empty one.

    What no environment, file name or JSON answer can hold is refused for the whole body.
    """
    try:
        body = json.loads(raw.decode() or "{}")
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON in UTF-8: {_first_line(error)}") from None
    if "\\u0000" in text:
        raise Refusal(400, "the body has a NUL character, which no environment can hold")
    if not isinstance(body, dict):
        raise Refusal(400, "the body is no JSON object")
    return checked(model, body)


def checked(model: type[M], given: Any) -> M:
    """Values against a model. Raises Refusal."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'body'}:"
            f" {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False, include_context=False)
        )
        raise Refusal(400, told) from None


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
