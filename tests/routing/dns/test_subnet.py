"""Client subnets and the scope of what is answered to them, against the ipaddress module."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.routing.dns.subnet import MalformedSubnetError, Prefixes, as_subnet, parse_subnet

WIDTH = {4: 32, 6: 128}


def networks(version):
    width = WIDTH[version]
    return st.tuples(st.integers(0, 2**width - 1), st.integers(0, width)).map(
        lambda pair: (
            ip_network((pair[0] >> (width - pair[1]) << (width - pair[1]), pair[1]))
            if version == 4 or pair[0] >> 32
            else ip_network(f"::/{pair[1]}")
        )
    )


def addresses(version):
    # Few distinct leading bits, so that addresses fall into the prefixes of the same example.
    return st.integers(0, 2 ** WIDTH[version] - 1).map(
        lambda value: ip_address(value) if version == 4 else ip_address(value | 1 << 127)
    )


declared = st.lists(
    st.tuples(st.one_of(networks(4), networks(6)), st.sampled_from(["a", "b", "c"])),
    max_size=12,
    unique_by=lambda pair: pair[0],
)


def longest_match(pairs, address):
    fitting = [(subnet.prefixlen, name) for subnet, name in pairs if address in subnet]
    return max(fitting, default=(0, None))[1]


@given(pairs=declared, data=st.data())
def test_the_longest_prefix_wins(pairs, data):
    prefixes = Prefixes(pairs)
    inside = [subnet.network_address for subnet, _ in pairs]
    inside += [subnet.broadcast_address for subnet, _ in pairs]
    known = st.sampled_from(inside) if inside else st.nothing()
    address = data.draw(known | addresses(4) | addresses(6))
    assert prefixes.find(address).location == longest_match(pairs, address)


@given(pairs=declared, data=st.data(), version=st.sampled_from([4, 6]))
def test_every_address_within_a_scope_gets_the_same_answer(pairs, data, version):
    prefixes = Prefixes(pairs)
    leaf = prefixes.find(data.draw(addresses(version)))
    below = WIDTH[version] - leaf.length
    other = ip_address(leaf.start | data.draw(st.integers(0, 2**below - 1)))
    assert other.version == version or leaf.start == 0
    if other.version == version:
        assert prefixes.find(other) == leaf


@given(pairs=declared)
def test_scopes_are_disjoint_cover_everything_and_cannot_be_shorter(pairs):
    for version, leaves in Prefixes(pairs)._leaves.items():
        width = WIDTH[version]
        following = 0
        for leaf in leaves:
            assert leaf.start == following
            following = leaf.start + (1 << (width - leaf.length))
        assert following == 1 << width
        found = {(leaf.start, leaf.length): leaf.location for leaf in leaves}
        for (start, length), location in found.items():
            if length:
                sibling = (start ^ (1 << (width - length)), length)
                assert found.get(sibling, "another") != location


def test_a_prefix_inside_another_cuts_it():
    prefixes = Prefixes([(ip_network("10.0.0.0/8"), "wide"), (ip_network("10.0.1.0/24"), "small")])
    assert prefixes.find(ip_address("10.0.1.7")).location == "small"
    assert prefixes.find(ip_address("10.0.0.7"))[1:] == (24, "wide")
    assert prefixes.find(ip_address("10.128.0.7"))[1:] == (9, "wide")
    assert str(prefixes.declared(ip_address("10.0.1.7"))) == "10.0.1.0/24"
    assert prefixes.declared(ip_address("11.0.0.1")) is None


def test_neighbours_of_one_location_share_a_scope():
    prefixes = Prefixes([(ip_network("10.0.0.0/24"), "a"), (ip_network("10.0.1.0/24"), "a")])
    assert prefixes.find(ip_address("10.0.0.1")).length == 23


@given(network=st.one_of(networks(4), networks(6)))
def test_a_well_formed_option_is_its_subnet(network):
    octets = network.network_address.packed[: (network.prefixlen + 7) // 8]
    family = 1 if network.version == 4 else 2
    assert parse_subnet(bytes((0, family, network.prefixlen, 0)) + octets) == network


@given(option=st.binary(max_size=24))
def test_any_other_option_is_malformed_and_nothing_worse(option):
    try:
        network = parse_subnet(option)
    except MalformedSubnetError:
        return
    assert option[3] == 0
    assert option[4:] == network.network_address.packed[: len(option) - 4]


@pytest.mark.parametrize(
    ("text", "subnet"),
    [
        ("81.2.69.7", "81.2.69.7/32"),
        ("81.2.69.7/24", "81.2.69.0/24"),
        ("2001:db8::1", "2001:db8::1/128"),
    ],
)
def test_a_text_may_be_an_address_or_a_prefix(text, subnet):
    assert str(as_subnet(text)) == subnet
    assert as_subnet("london") is None
