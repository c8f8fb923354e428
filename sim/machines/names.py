"""Names as Fly gives them to machines: an adjective, a noun and four digits."""

from __future__ import annotations

from sim.rng import Rng

_ADJECTIVES = (
    *("aged", "ancient", "billowing", "bitter", "black", "blue", "bold", "broken", "cold", "cool"),
    *("crimson", "damp", "dark", "dawn", "divine", "dry", "empty", "falling", "fragrant", "frosty"),
    *("green", "hidden", "holy", "icy", "late", "lingering", "little", "lively", "long", "misty"),
    *("morning", "muddy", "nameless", "old", "patient", "polished", "proud", "purple", "quiet"),
    *("red", "restless", "rough", "shy", "silent", "small", "snowy", "solitary", "sparkling"),
    *("spring", "still", "summer", "throbbing", "twilight", "wandering", "weathered", "white"),
    *("wild", "winter", "wispy", "withered", "young"),
)
_NOUNS = (
    *("bird", "breeze", "brook", "bush", "butterfly", "cherry", "cloud", "darkness", "dawn", "dew"),
    *("dream", "dust", "feather", "field", "fire", "firefly", "flower", "fog", "forest", "frog"),
    *("frost", "glade", "glitter", "grass", "haze", "hill", "lake", "leaf", "meadow", "moon"),
    *("morning", "mountain", "night", "paper", "pine", "pond", "rain", "resonance", "river", "sea"),
    *("shadow", "shape", "silence", "sky", "smoke", "snow", "snowflake", "sound", "star", "sun"),
    *("sunset", "surf", "thunder", "tree", "violet", "voice", "water", "waterfall", "wave"),
    *("wildflower", "wind", "wood"),
)


def fly_name(draws: Rng) -> str:
    """A name such as `silent-river-0427`, from these draws."""
    return f"{draws.choice(_ADJECTIVES)}-{draws.choice(_NOUNS)}-{draws.randrange(10_000):04d}"
