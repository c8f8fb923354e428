"""Quantities as people write them: `250ms`, `64kbps`, `64KiB`, `5%`. A bare number is an error.

Parsers raise ValueError with a message that quotes what was found and names the units.
"""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_KBPS = {"bps": 0.001, "kbps": 1.0, "mbps": 1000.0, "gbps": 1_000_000.0}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_BARE = re.compile(rf"[-+]?{_NUMBER}")
_QUANTITY = re.compile(rf"({_NUMBER})\s?([A-Za-z]+)")
_DURATION = re.compile(
    r"(?:([0-9]{1,12})h)?(?:([0-9]{1,12})m)?(?:([0-9]{1,12})s)?(?:([0-9]{1,12})ms)?"
)


def parse_duration(text: object, likely: str = "s") -> float:
    """Seconds of `250ms`, `30s`, `2m`, `1h`, `1.5s` or `1m30s`.

    `likely` is the unit that is proposed where there is none.
    """
    if isinstance(text, str) and text and (parts := _DURATION.fullmatch(text)):
        scales = (3_600_000, 60_000, 1000, 1)
        return (
            sum(int(n) * scale for n, scale in zip(parts.groups("0"), scales, strict=True)) / 1000
        )
    return _parse(text, _SECONDS, "a duration", "`250ms`, `30s`, `2m` or `1h`", likely)


def parse_rate(text: object) -> float:
    """Kilobits (of 1000) per second of `64kbps` or `10mbps`."""
    return _parse(text, _KBPS, "a rate", "`64kbps` or `10mbps` (bits per second)", "kbps")


def parse_size(text: object) -> int:
    """Bytes of `512B`, `64KiB` or `10MiB`."""
    return round(_parse(text, _BYTES, "a size", "`512B`, `64KiB` or `10MiB`", "B"))


def parse_share(text: object) -> float:
    """The fraction, 0 to 1, of a percentage such as `5%`."""
    if isinstance(text, str) and text.endswith("%") and _BARE.fullmatch(text[:-1]):
        share = float(text[:-1]) / 100.0
        if 0.0 <= share <= 1.0:
            return share
        raise ValueError(f"found `{text}`; a share lies between 0% and 100%")
    if _is_bare(text):
        likely = text if 0 <= float(str(text)) <= 100 else 5
        raise ValueError(f"found `{text}` without a unit; write 0% to 100%, such as `{likely}%`")
    raise ValueError(f"found {quoted(text)}; write a share such as `5%` or `0.1%`")


def parse_frequency(text: object) -> float:
    """Events per second of `20/s` or `90/m`."""
    if isinstance(text, str):
        number, slash, unit = text.partition("/")
        if slash and _BARE.fullmatch(number) and unit in ("s", "m") and float(number) >= 0:
            return float(number) / _SECONDS[unit]
    if _is_bare(text):
        raise ValueError(f"found `{text}` without a unit; write a frequency such as `{text}/s`")
    raise ValueError(f"found {quoted(text)}; write a frequency such as `20/s` or `90/m`")


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads as these seconds, to the millisecond."""
    millis = round(seconds * 1000)
    for unit, scale in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if millis and millis % scale == 0:
            return f"{millis // scale}{unit}"
    if millis == 0:
        return "0s"
    return f"{millis}ms" if millis < 1000 else f"{millis / 1000:.15g}s"


def format_size(size: int) -> str:
    """The text of a size, in the largest unit that leaves no fraction."""
    return _format(size, _BYTES)


def quoted(value: object) -> str:
    """A value as it is quoted in messages: short, and as YAML would have it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = " ".join(str(value).split())
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


def _is_bare(value: object) -> bool:
    if isinstance(value, str):
        return bool(_BARE.fullmatch(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse(
    text: object, units: dict[str, float] | dict[str, int], kind: str, like: str, unit: str
) -> float:
    if _is_bare(text):
        names = ", ".join(units)
        raise ValueError(f"found `{text}` without a unit; write `{text}{unit}` (units: {names})")
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"found {quoted(text)}; write {kind} such as {like}")
    number, name = match.groups()
    if name not in units:
        raise ValueError(f"found `{text}`: no unit `{name}`; the units are {', '.join(units)}")
    return float(number) * units[name]


def _format(value: float, units: dict[str, float] | dict[str, int]) -> str:
    smallest = next(iter(units))
    for name, scale in reversed(units.items()):
        number = round(value / scale, 9)
        if number >= 1 and number == int(number):
            return f"{int(number)}{name}"
    return f"{value / units[smallest]:.9g}{smallest}"
