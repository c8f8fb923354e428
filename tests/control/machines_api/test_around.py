"""Apps, secrets, regions, volumes, addresses, GraphQL, logs, and who may ask."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from pathlib import Path

import pytest

from sim.control.machines_api.machines_api_site import MachinesApi
from sim.observe.events.releases import SecretsChanged
from sim.observe.journal import only
from tests.control.machines_api.conftest import APP, MACHINES, TOKEN


async def test_the_worlds_app_is_the_only_one(api):
    assert [a["name"] for a in (await api("GET", "/v1/apps?org_slug=personal")).body["apps"]] == [
        "atlas"
    ]
    assert (await api("GET", APP)).body["organization"]["slug"] == "personal"
    taken = await api("POST", "/v1/apps", {"name": "atlas", "org_slug": "personal"})
    assert (taken.status, taken.body["status"]) == (422, "name_taken")
    assert (await api("POST", "/v1/apps", {"name": "other"})).status == 422
    assert (await api("DELETE", APP)).status == 403


async def test_secrets_come_back_as_digests_alone(api):
    path = f"{APP}/secrets"
    got = await api("POST", f"{path}/API_KEY", {"value": "hunter2"})
    assert (got.status, got.body["name"]) == (201, "API_KEY")
    first = got.body["version"]
    # flyctl asks for the highest it has seen of an app, in whatever world that was.
    assert first > api.world.clock.unix_s(0.0) * 1000
    got = await api("POST", path, {"values": {"OTHER": "x", "API_KEY": None}})
    assert (got.status, got.body["version"]) == (200, first + 1)
    listed = await api("GET", f"{path}?show_secrets=true")
    assert [set(s) for s in listed.body["secrets"]] == [{"name", "label", "digest", "updated_at"}]
    assert (await api("DELETE", f"{path}/OTHER")).body == {"version": first + 2}
    assert (await api("DELETE", f"{path}/OTHER")).status == 404
    assert (await api("POST", f"{path}/NO-GOOD", {"value": "x"})).status == 400
    assert dict(api.world.fleet.secrets) == {}
    changes = only(api.world.journal.records, SecretsChanged)
    assert [(change.version, change.names) for _, change in changes] == [
        (2, ("API_KEY",)),
        (3, ("OTHER", "API_KEY")),
        (4, ("OTHER",)),
    ]


async def test_regions_are_the_worlds(api):
    got = (await api("GET", "/v1/platform/regions")).body
    assert [r["code"] for r in got["Regions"]] == ["iad", "fra"]
    assert got["Nearest"] == "iad"
    assert got["Regions"][1]["geo_region"] == "europe"
    placed = await api("POST", "/v1/platform/placements", {"region": "fra,any", "count": 3})
    counts = {r["Region"]: r["Count"] for r in placed.body["Regions"]}
    assert counts == {"fra": 2, "iad": 1}
    assert (await api("POST", "/v1/platform/placements", {"region": "apac"})).status == 400
    eu = await api.create(region="eu")
    assert eu["region"] == "fra"


async def test_there_are_no_volumes_and_one_address(api):
    assert (await api("GET", f"{APP}/volumes")).body == []
    assert (await api("POST", f"{APP}/volumes", {"name": "data"})).status == 422
    assert (await api("DELETE", f"{APP}/volumes/vol_1")).status == 404
    assert [ip["region"] for ip in (await api("GET", f"{APP}/ip_assignments")).body["ips"]] == [
        "global"
    ]
    assert (await api("DELETE", f"{APP}/ip_assignments/1.2.3.4")).status == 422


COMPACT = "query A($appName: String!) { appcompact:app(name: $appName) { id } }"
RELEASES = "query R($appName: String!) { app(name: $appName) { releases: releasesUnprocessed }"
CURRENT = "query C($name: String!) { app(name: $name) { currentReleaseUnprocessed { id } } }"
DETAILS = "query($name: String!) { app(name: $name) { ipAddresses { nodes { address } } } }"
PLATFORM = "query { platform { requestRegion regions { code } } }"
SET_SECRETS = "mutation($input: SetSecretsInput!) { setSecrets(input: $input) { release { id } } }"
UNSET_SECRETS = SET_SECRETS.replace("set", "unset")


def graphql(query, **variables):
    return "POST", "/graphql", {"query": query, "variables": variables}


@pytest.mark.parametrize(
    ("query", "variable", "path"),
    [
        (COMPACT, "appName", "appcompact"),
        (RELEASES, "appName", "app.releases.nodes"),
        (CURRENT, "name", "app"),
        (DETAILS, "name", "app.ipAddresses.nodes"),
        (PLATFORM, "name", "platform.regions"),
    ],
)
async def test_the_queries_that_clients_cannot_do_without_are_answered(api, query, variable, path):
    got = await api(*graphql(query, **{variable: "atlas"}))
    assert got.status == 200
    found = got.body["data"]
    for part in path.split("."):
        found = found[part]
    assert found


async def test_graphql_changes_secrets_and_refuses_what_it_does_not_know(api):
    given = {"appId": "atlas", "secrets": [{"key": "API_KEY", "value": "hunter2"}]}
    assert "data" in (await api(*graphql(SET_SECRETS, input=given))).body
    assert dict(api.world.fleet.secrets) == {"API_KEY": "hunter2"}
    given = {"appId": "atlas", "keys": ["API_KEY"]}
    assert "data" in (await api(*graphql(UNSET_SECRETS, input=given))).body
    assert dict(api.world.fleet.secrets) == {}
    for query in ("query { viewer { email } }", "mutation { deleteApp { id } }", ""):
        got = await api(*graphql(query))
        assert (got.status, got.body["errors"][0]["message"]) == (200, "not implemented")
    for name in (None, "other"):
        got = await api(*graphql(DETAILS, name=name))
        assert got.body["errors"][0]["message"] == "Could not find App"


async def test_logs_are_polled_by_token(api):
    machines = list(api.world.fleet.machines.values())
    for number, machine in enumerate(machines):
        machine.spec.log_path.write_text(f"hello {number}\n")
    path = "/api/v1/apps/atlas/logs"
    first = (await api("GET", path)).body
    lines = [line["attributes"] for line in first["data"]]
    assert [line["message"] for line in lines] == ["hello 0", "hello 1"]
    assert lines[1]["region"] == "fra"
    assert re.match(r"\d{4}-", lines[0]["timestamp"])
    with machines[1].spec.log_path.open("a") as log:
        log.write("again\nhalf a li")
    following = (await api("GET", f"{path}?next_token={first['meta']['next_token']}")).body
    assert [line["attributes"]["message"] for line in following["data"]] == ["again"]
    with machines[1].spec.log_path.open("a") as log:
        log.write("ne\n")
    token = following["meta"]["next_token"]
    rest = (await api("GET", f"{path}?region=fra&next_token={token}")).body
    assert [line["attributes"]["message"] for line in rest["data"]] == ["half a line"]
    only = (await api("GET", f"{path}?instance={machines[0].id}")).body
    assert [line["attributes"]["message"] for line in only["data"]] == ["hello 0"]
    for token in ("!", "e30x", "W10="):
        assert (await api("GET", f"{path}?next_token={token}")).status == 400


def every_request(api):
    """Each endpoint, with a body that it would take."""
    machine = next(iter(api.world.fleet.machines))
    bodies = {"exec": {"cmd": "true"}, "signal": {"signal": 9}, "secrets": {"values": {"A": "b"}}}
    for method, path, _ in MachinesApi(api.world).table():
        names = {"key": "k", "name": "NAME", "volume": "v", "what": "w", "ip": "1", "release": "1"}
        filled = path.format(app="atlas", id=machine, organization="personal", **names)
        default = {"config": {}, "value": "x", "name": "other", "query": "mutation setSecrets"}
        body = bodies.get(path.rpartition("/")[2], default)
        yield method if method != "*" else "PUT", filled, body


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
async def test_without_the_token_everything_is_401_and_nothing_changes(api, headers):
    before = api.state()
    for method, path, body in every_request(api):
        got = await api(method, path, body, **headers)
        assert (method, path, got.status) == (method, path, 401)
        assert set(got.body) == {"error"}
    assert api.state() == before


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.test"}, {"Host": "evil.test"}])
async def test_a_foreign_page_or_name_is_refused_though_it_has_the_token(api, headers):
    before = api.state()
    for method, path, body in every_request(api):
        got = await api(method, path, body, **headers)
        assert (method, path, got.status) == (method, path, 403)
    assert api.state() == before


async def test_the_scheme_of_flys_own_tokens_is_taken(api):
    got = await api("GET", MACHINES, Authorization=f"FlyV1 {TOKEN}")
    assert (got.status, len(got.body)) == (200, 2)


async def test_every_endpoint_is_documented(api):
    page = (Path(__file__).parents[3] / "docs" / "machines-api.md").read_text()
    for method, path, _ in MachinesApi(api.world).table():
        assert f"`{method} {path}`" in page


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "rest",
    [
        'Content-Length: 100\r\n\r\n{"config":',
        "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    ],
)
async def test_a_client_that_breaks_off_or_garbles_its_body_is_no_defect(api, caplog, rest, reset):
    defects = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: defects.append(context))
    host, _, port = api.url.removeprefix("http://").rpartition(":")
    head = f"POST {MACHINES} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
    for _ in range(5):
        client = socket.create_connection((host, int(port)))
        client.sendall((head + rest).encode())
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert (await api("GET", MACHINES)).status == 200
    assert (defects, caplog.text) == ([], "")
