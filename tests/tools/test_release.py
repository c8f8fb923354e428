"""What a release writes, and what keeps it from being one."""

import pytest

from tools.release import NoRelease, next_version, released, with_version

CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.1.0 (2026-01-01)\n\n- All.\n"
)


def test_what_is_unreleased_becomes_the_versions_section():
    assert released(CHANGELOG, "0.2.0", "2026-02-02") == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-02-02)\n\n### Added\n\n- A thing.\n"
        "\n## 0.1.0 (2026-01-01)\n\n- All.\n"
    )


@pytest.mark.parametrize(
    ("text", "version", "why"),
    [
        (CHANGELOG, "0.1.0", "a section of 0.1.0 already"),
        (CHANGELOG.replace("- A thing.\n", ""), "0.2.0", "nothing under"),
        ("# Changelog\n", "0.2.0", "nothing under"),
    ],
)
def test_a_changelog_that_tells_nothing_is_no_release(text, version, why):
    with pytest.raises(NoRelease, match=why):
        released(text, version, "2026-02-02")


@pytest.mark.parametrize("given", ["0.2.0", "0.1.1", "1.0.0", "0.2.0rc1"])
def test_a_version_follows(given):
    assert next_version(given, "0.1.0") == given


def test_a_candidate_is_followed_by_its_version():
    assert next_version("0.2.0", "0.2.0rc2") == "0.2.0"


@pytest.mark.parametrize("given", ["0.1.0", "0.0.9", "v0.2.0", "2", "", "0.1.0rc1"])
def test_a_version_that_does_not_follow_is_no_release(given):
    with pytest.raises(NoRelease):
        next_version(given, "0.1.0")


def test_the_version_is_written_where_the_package_has_it():
    assert with_version('"""Doc."""\n\n__version__ = "0.1.0"\n', "0.2.0").endswith('= "0.2.0"\n')
