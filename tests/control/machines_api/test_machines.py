"""Machines over the API: what comes back, what is done, what is refused."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from sim.machines.health import Result
from sim.machines.lifecycle import State
from sim.processes.exit import Exit
from tests.control.machines_api.conftest import APP, MACHINES


async def fra(api):
    return next(m for m in api.world.fleet.machines.values() if m.region == "fra")


async def test_a_machine_has_the_shape_that_clients_read(api):
    machine = await fra(api)
    shown = (await api("GET", f"{MACHINES}/{machine.id}")).body
    assert (shown["id"], shown["name"]) == (machine.id, machine.fly_name)
    assert (shown["state"], shown["region"], shown["host_status"]) == ("started", "fra", "ok")
    assert shown["instance_id"] == shown["version"] == machine.instance_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["created_at"])
    assert shown["image_ref"] == {
        "registry": "local",
        "repository": "atlas",
        "tag": "local",
        "digest": "",
        "labels": {},
    }
    config = shown["config"]
    assert config["image"] == "local/atlas:local"
    assert config["metadata"]["fly_platform_version"] == "v2"
    assert config["guest"] == {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}
    assert config["services"][0]["internal_port"] == 8080
    assert [(c["name"], c["status"]) for c in shown["checks"]] == [
        ("servicecheck-00-http-8080", "passing")
    ]
    assert [e["type"] for e in shown["events"]] == ["start", "start", "launch"]


async def test_a_list_is_filtered(api):
    machine = await fra(api)
    assert len((await api("GET", MACHINES)).body) == 2
    for query in (
        "region=fra",
        "state=started&region=fra",
        "metadata.fly_process_group=app&region=fra",
    ):
        found = (await api("GET", f"{MACHINES}?{query}")).body
        assert [m["id"] for m in found] == [machine.id]
    for query in ("region=syd", "state=stopped", "metadata.fly_process_group=web"):
        assert (await api("GET", f"{MACHINES}?{query}")).body == []


async def test_a_clone_is_like_its_source(api):
    """What flyctl does: read a config, and send it as it is."""
    source = (await api("GET", f"{MACHINES}/{(await fra(api)).id}")).body
    made = await api("POST", MACHINES, {"config": source["config"], "region": "iad"})
    assert (made.status, made.body["state"]) == (200, "created")
    assert await api.settled(made.body["id"]) == "started"
    clone = api.world.fleet.machines[made.body["id"]]
    assert clone.config.command == api.world.fleet.default.command
    assert (clone.config.memory_bytes, clone.config.cpus) == (None, None)
    assert clone.config.checks == api.world.fleet.default.checks
    assert clone.config.image == "atlas:local"
    again = (await api("GET", f"{MACHINES}/{clone.id}")).body
    assert again["config"] == source["config"]


async def test_an_update_is_another_version_and_the_same_machine(api):
    machine = await api.create()
    await api.settled(machine["id"])
    path = f"{MACHINES}/{machine['id']}"
    config = {**machine["config"], "image": "local/atlas:2", "env": {"COLOUR": "green"}}
    got = await api("POST", path, {"config": config, "current_version": machine["instance_id"]})
    assert got.status == 200
    version = got.body["instance_id"]
    assert version != machine["instance_id"]
    assert (await api("GET", f"{path}/wait?instance_id={version}&state=started")).status == 200
    shown = (await api("GET", path)).body
    assert (shown["instance_id"], shown["config"]["env"]) == (version, {"COLOUR": "green"})
    spec = api.world.fleet.machines[machine["id"]].spec
    assert (spec.image, spec.env["FLY_MACHINE_VERSION"]) == ("atlas:2", version)
    versions = [v["version"] for v in (await api("GET", f"{path}/versions")).body]
    assert versions == [version, machine["instance_id"]]
    # The version that is over has stopped, however long one waits for it.
    over = f"{path}/wait?instance_id={machine['instance_id']}&state=stopped&timeout=1"
    assert (await api("GET", over)).status == 200


async def test_a_version_that_is_not_the_current_one_is_412_and_changes_nothing(api):
    machine = await api.create()
    await api.settled(machine["id"])
    before = api.state()
    body = {"config": machine["config"], "current_version": "01AAA"}
    got = await api("POST", f"{MACHINES}/{machine['id']}", body)
    assert (got.status, api.state()) == (412, before)
    assert machine["instance_id"] in got.body["error"]
    got = await api("POST", MACHINES, {"config": {}, "min_secrets_version": 1 << 60})
    assert (got.status, api.state()) == (412, before)


async def test_a_stopped_machine_starts_when_updated_unless_its_launch_is_skipped(api):
    machine = await api.create()
    path = f"{MACHINES}/{machine['id']}"
    await api.settled(machine["id"])
    assert (await api("POST", f"{path}/stop")).body == {"ok": True}
    assert await api.settled(machine["id"]) == "stopped"
    config = {"config": machine["config"]}
    assert (await api("POST", path, {**config, "skip_launch": True})).status == 200
    assert await api.settled(machine["id"]) == "stopped"
    assert (await api("POST", path, config)).status == 200
    assert (await api("GET", f"{path}/wait?timeout=5")).status == 200
    assert (await api("POST", path, {**config, "skip_launch": True})).status == 200
    assert (await api("GET", f"{path}/wait?timeout=5&state=stopped")).status == 200


async def test_a_machine_goes_through_its_verbs(api):
    machine = await api.create(name="front-door-1")
    path = f"{MACHINES}/{machine['id']}"
    assert await api.settled(machine["id"]) == "started"
    assert (await api("POST", f"{path}/suspend")).status == 200
    assert (await api("GET", f"{path}/wait?state=suspended")).status == 200
    started = await api("POST", f"{path}/start")
    assert started.body == {"previous_state": "suspended", "migrated": False, "new_host": ""}
    assert (await api("GET", f"{path}/wait?state=started")).status == 200
    assert (await api("POST", f"{path}/restart?force_stop=true&timeout=10s")).status == 200
    assert await api.settled(machine["id"]) == "started"
    for verb, cordoned in (("cordon", True), ("cordon", True), ("uncordon", False)):
        assert (await api("POST", f"{path}/{verb}")).status == 200
        assert (await api("GET", path)).body["cordoned"] is cordoned
    assert (await api("POST", f"{path}/signal", {"signal": "SIGUSR1"})).status == 200
    assert (await api("POST", f"{path}/signal", {"signal": 12})).status == 200
    assert api.runtime.runs[-1].signals == [10, 12]
    ran = await api("POST", f"{path}/exec", {"cmd": "echo 'a b'", "timeout": 5})
    assert ran.body == {"exit_code": 0, "stdout": "echo a b", "stderr": ""}
    assert (await api("GET", f"{path}/ps")).body == []
    assert (await api("DELETE", path)).status == 409
    assert (await api("DELETE", f"{path}?kill=true")).body == {"ok": True}
    assert (await api("GET", f"{path}/wait?state=destroyed")).status == 200
    assert (await api("GET", path)).body["state"] == "destroyed"
    assert (await api("POST", f"{path}/start")).status == 404
    listed = [m["id"] for m in (await api("GET", f"{MACHINES}?include_deleted=true")).body]
    assert machine["id"] in listed
    assert machine["id"] not in [m["id"] for m in (await api("GET", MACHINES)).body]


async def test_no_failing_check_stops_a_machine_and_its_policy_counts_at_once(api, monkeypatch):
    monkeypatch.setattr("sim.machines.runs.START_TIMEOUT_REAL_S", 0.05)
    api.world.finding = Result(passed=False, output="status 500")
    config = {"image": "bad", "services": [{}], "restart": {"policy": "always", "max_retries": 2}}
    made = (await api("POST", MACHINES, {"config": config})).body
    machine = api.world.fleet.machines[made["id"]]
    for died in range(3):
        assert await api.settled(made["id"]) == "started"
        await api.world.clock.sleep(3.0)  # longer than a start has, were it waited for
        assert machine.state is State.STARTED
        api.runtime.runs[-1].die(Exit(1))
        assert await api.settled(made["id"]) == "stopped"
        assert machine.events[0].restarts == died
        if died < 2:
            assert (await api("GET", f"{MACHINES}/{made['id']}/wait?timeout=5")).status == 200
    await api.world.clock.sleep(10.0)
    assert machine.state is State.STOPPED


async def test_an_end_that_nobody_asked_for_is_an_event(api):
    machine = await fra(api)
    api.runtime.runs[1].die(Exit(None, signal=9, oom=True))
    assert (await api("GET", f"{MACHINES}/{machine.id}/wait?state=stopped")).status == 200
    event = (await api("GET", f"{MACHINES}/{machine.id}/events")).body[0]
    assert (event["type"], event["status"], event["source"]) == ("exit", "stopped", "flyd")
    end = event["request"]["exit_event"]
    assert (end["exit_code"], end["guest_signal"], end["oom_killed"]) == (137, 9, True)
    assert end["requested_stop"] is False


@pytest.mark.parametrize(
    ("verb", "state"),
    [("stop", "created"), ("suspend", "created"), ("restart", "created"), ("start", "started")],
)
async def test_what_the_state_forbids_is_409_and_changes_nothing(api, verb, state):
    machine = await api.create(skip_launch=state == "created")
    await api.settled(machine["id"])
    before = api.state()
    got = await api("POST", f"{MACHINES}/{machine['id']}/{verb}")
    assert (got.status, api.state()) == (409, before)
    assert f"it is {state}" in got.body["error"]


@pytest.mark.parametrize("verb", ["exec", "signal", "ps"])
async def test_nothing_is_done_in_a_machine_that_is_down(api, verb):
    machine = await api.create(skip_launch=True)
    body = {"exec": {"cmd": "true"}, "signal": {"signal": 1}}.get(verb)
    method = "GET" if verb == "ps" else "POST"
    got = await api(method, f"{MACHINES}/{machine['id']}/{verb}", body)
    assert (got.status, "not started" in got.body["error"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "config: Field required"),
        ({"config": {"env": {"A": 1}}}, "config.env.A: Input should be a valid string"),
        ({"config": {"env": {"A=B": ""}}}, "config.env.A=B"),
        ({"config": {"guest": {"cpus": 0}}}, "config.guest.cpus: Input should be greater than"),
        ({"config": {"restart": {"policy": "sometimes"}}}, "'no', 'never', 'on-failure', 'always'"),
        ({"config": {"stop_config": {"signal": "SIGNUL"}}}, "no signal is 'SIGNUL'"),
        ({"config": {"stop_config": {"timeout": "9 bananas"}}}, "config.stop_config.timeout"),
        ({"config": {"services": [{"checks": [{"type": "udp"}]}]}}, "'http' or 'tcp'"),
        ({"config": {}, "region": "syd"}, "there are: iad, fra"),
        ({"config": {}, "name": "no spaces"}, "name"),
        ({"config": {"image": "a\0b"}}, "NUL"),
        ([], "no JSON object"),
    ],
)
async def test_a_bad_body_is_told_what_is_wrong_and_what_is_allowed(api, body, said):
    before = api.state()
    got = await api("POST", MACHINES, body)
    assert (got.status, api.state()) == (400, before)
    assert said in got.body["error"]


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff", b"[" * 100_000, b'{"config": {"image": "\\ud800"}}']
)
async def test_what_is_no_json_is_told_so(api, raw):
    got = await api("POST", MACHINES, raw=raw)
    assert (got.status, "no JSON" in got.body["error"]) == (400, True)


async def test_a_name_that_is_taken_is_422(api):
    machine = await api.create()
    got = await api("POST", MACHINES, {"config": {}, "name": machine["name"]})
    assert (got.status, got.body["status"]) == (422, "name_taken")


async def test_a_machine_without_services_or_not_registered_gets_no_traffic(api):
    batch = (await api("POST", MACHINES, {"config": {"image": "atlas:1"}})).body
    green = await api.create(skip_service_registration=True)
    for made in (batch, green):
        assert await api.settled(made["id"]) == "started"
        assert not api.world.health.serves(made["id"])
    assert (await api("POST", f"{MACHINES}/{green['id']}/uncordon")).status == 200
    assert api.world.health.serves(green["id"])


async def test_a_lease_keeps_others_out_until_it_is_released_or_over(api):
    machine = await fra(api)
    path = f"{MACHINES}/{machine.id}"
    assert (await api("GET", f"{path}/lease")).status == 404
    got = await api("POST", f"{path}/lease?ttl=30", {"description": "a deploy"})
    assert (got.status, got.body["status"]) == (201, "success")
    nonce = {"fly_machine_lease_nonce": got.body["data"]["nonce"]}
    assert got.body["data"]["description"] == "a deploy"
    before = api.state()
    for method, what in (
        *(("POST", verb) for verb in ("/stop", "/restart", "/suspend", "/cordon", "/lease")),
        *(("DELETE", ""), ("DELETE", "/lease")),
    ):
        refused = await api(method, path + what)
        assert (refused.status, "is leased" in refused.body["error"]) == (409, True)
        wrong = await api(method, path + what, fly_machine_lease_nonce="00")
        assert (wrong.status, api.state()) == (409, before)
    assert (await api("POST", f"{path}/lease?ttl=60", **nonce)).status == 201
    assert (await api("POST", f"{path}/cordon", **nonce)).status == 200
    assert (await api("DELETE", f"{path}/lease", **nonce)).status == 200
    assert (await api("POST", f"{path}/uncordon")).status == 200
    # Its time is real seconds: one of them, at this speed twenty of the world's.
    began = api.world.clock.now()
    await api("POST", f"{path}/lease?ttl=1")
    assert machine.lease.expires_s == pytest.approx(began + 20.0, abs=10.0)
    await api.world.clock.sleep_until(machine.lease.expires_s)
    assert (await api("POST", f"{path}/cordon")).status == 200


async def test_a_machine_can_be_made_with_a_lease(api):
    machine = await api.create(lease_ttl=60)
    assert (await api("POST", f"{MACHINES}/{machine['id']}/cordon")).status == 409
    nonce = {"fly_machine_lease_nonce": machine["nonce"]}
    assert (await api("POST", f"{MACHINES}/{machine['id']}/cordon", **nonce)).status == 200


async def test_waiting_ends_with_the_state_or_with_its_real_seconds(api):
    machine = await fra(api)
    path = f"{MACHINES}/{machine.id}/wait"
    began = api.world.clock.real_ms()
    got = await api("GET", f"{path}?state=stopped&timeout=1")
    assert got.status == 408
    assert "is started after 1 s, not stopped" in got.body["error"]
    assert 1000 <= api.world.clock.real_ms() - began < 5000
    for query, said in (
        ("state=happy", "there are: started, stopped, suspended, destroyed, settled"),
        ("timeout=soon", "a whole number"),
        ("version=01X", "has no version '01X'"),
    ):
        got = await api("GET", f"{path}?{query}")
        assert (got.status, said in got.body["error"]) == (400, True)
    newest = (await api("GET", f"{MACHINES}/{machine.id}/events")).body[0]["id"]
    assert (await api("GET", f"{path}?from_event_id={newest}&timeout=1")).status == 408
    await api("POST", f"{MACHINES}/{machine.id}/restart")
    assert (await api("GET", f"{path}?from_event_id={newest}&timeout=5")).status == 200


async def test_metadata_makes_no_new_version(api):
    machine = await fra(api)
    path, version = f"{MACHINES}/{machine.id}/metadata", machine.instance_id
    assert (await api("POST", f"{path}/team", {"value": "voice"})).status == 204
    assert (await api("GET", path)).body["team"] == "voice"
    assert (await api("DELETE", f"{path}/team")).status == 204
    assert "team" not in (await api("GET", path)).body
    assert (machine.instance_id, machine.state) == (version, State.STARTED)


async def test_there_is_no_room_for_more_machines_than_addresses(api, monkeypatch):
    monkeypatch.setattr("sim.machines.ports._free", lambda *_: False)
    before = api.state()
    got = await api("POST", MACHINES, {"config": {}})
    assert (got.status, got.body["status"]) == (422, "insufficient_capacity")
    assert api.state() == before


async def test_an_unknown_machine_app_or_path_is_404(api):
    for path in (
        f"{MACHINES}/00000000000000",
        "/v1/apps/other/machines",
        f"{APP}/nothing",
        "/v1/x",
    ):
        got = await api("GET", path)
        assert (got.status, set(got.body)) == (404, {"error"})


async def test_a_server_that_ends_leaves_nobody_waiting(api, monkeypatch):
    asked, news = asyncio.Event(), api.world.fleet.news

    async def told_that_somebody_waits():
        asked.set()
        await news()

    monkeypatch.setattr(api.world.fleet, "news", told_that_somebody_waits)
    path = f"{MACHINES}/{(await fra(api)).id}/wait?state=stopped&timeout=60"
    waiting = asyncio.create_task(api("GET", path))
    await asked.wait()
    began = api.world.clock.real_ms()
    await api.server.stop()
    assert api.world.clock.real_ms() - began < 10_000
    with pytest.raises(aiohttp.ClientError):
        await waiting
