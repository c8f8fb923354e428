"""What flyctl asks for a deploy, as it was seen to ask, and what the journal has of it."""

from __future__ import annotations

from typing import Any

import pytest

from sim.deploys.release import Order
from sim.errors import InputError
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.journal import only
from sim.processes.exit import Exit
from tests.control.machines_api.conftest import APP, MACHINES, Api

IMAGE = "local/atlas:2"
_IMAGE = "query($imageRef: String!) { app(name: $appName) { id image(ref: $imageRef) { ref } } }"
_EGRESS = "query($appName:String!) { app(name:$appName) { egressIpAddresses { nodes { ip } } } }"


async def graphql(api: Api, query: str, **variables: Any) -> dict[str, Any]:
    answer = await api("POST", "/graphql", {"query": query, "variables": variables})
    assert "errors" not in answer.body, answer.text
    return dict(answer.body["data"])


class Flyctl:
    """The requests of `flyctl deploy --image`."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        answer = await self.api(method, path, body, **headers)
        assert answer.status in (200, 201), (method, path, answer.text)
        return answer.body

    async def begin(self, strategy: str) -> None:
        """Up to the release, and the leases of all machines."""
        await self.ask("GET", APP)
        assert (await self.ask("GET", "/api/v1/organizations/personal"))["organization"]["slug"]
        build = {"app_name": "atlas", "builder_type": "machines", "strategies_available": []}
        assert (await self.ask("POST", "/api/v1/builds", build))["status"] == "completed"
        image = await graphql(self.api, _IMAGE, appName="atlas", imageRef="atlas:2")
        assert image["app"]["image"]["ref"] == IMAGE
        await self.ask("POST", "/api/v1/builds/finish", {"build_id": 1, "app_name": "atlas"})
        self.machines = await self.ask("GET", MACHINES)
        release = {"app_name": "atlas", "build_id": 1, "definition": {}, "image": IMAGE}
        given = await self.ask("POST", "/api/v1/releases", {**release, "strategy": strategy})
        self.release = given["release"]
        egress = await graphql(self.api, _EGRESS, appName="atlas")
        assert egress["app"]["egressIpAddresses"]["nodes"] == []
        await self.ask("PATCH", f"/api/v1/releases/{self.release['id']}", {"status": "running"})
        self.nonces = {}
        for machine in self.machines:
            lease = await self.ask("POST", f"{MACHINES}/{machine['id']}/lease?ttl=13", {"ttl": 13})
            self.nonces[machine["id"]] = {"fly-machine-lease-nonce": lease["data"]["nonce"]}

    def config(self, machine: dict[str, Any]) -> dict[str, Any]:
        number = str(self.release["version"])
        told = {"fly_release_id": self.release["id"], "fly_release_version": number}
        metadata = {**machine["config"]["metadata"], **told}
        return {**machine["config"], "image": IMAGE, "metadata": metadata}

    async def update(self, machine: dict[str, Any]) -> None:
        path = f"{MACHINES}/{machine['id']}"
        body = {"config": self.config(machine), "region": machine["region"]}
        await self.ask("POST", path, body, **self.nonces[machine["id"]])
        await self.started(path)

    async def started(self, path: str) -> None:
        await self.ask("GET", f"{path}/wait?state=started&timeout=60")
        while not all(c["status"] == "passing" for c in (await self.ask("GET", path))["checks"]):
            await self.api.world.health.news()
        await self.ask("GET", f"{path}/ps")

    async def end(self, status: str = "complete", **info: Any) -> None:
        for machine, nonce in self.nonces.items():
            await self.api("DELETE", f"{MACHINES}/{machine}/lease", None, **nonce)
        body: dict[str, Any] = {"status": status, "metadata": info or None}
        await self.ask("PATCH", f"/api/v1/releases/{self.release['id']}", body)
        await self.ask("GET", f"{APP}/ip_assignments")


def told(api: Api) -> tuple[Any, list[tuple[str, str]], Any]:
    """The journal's one deploy: its begin, its steps by region, its end."""
    records = api.world.journal.records
    ((_, began),) = only(records, DeployBegan)
    ((_, ended),) = only(records, DeployEnded)
    return began, [(step.step, step.region) for _, step in only(records, DeployStep)], ended


async def test_a_rolling_deploy_is_one_in_the_journal(api):
    flyctl = Flyctl(api)
    await flyctl.begin("ROLLING")
    refused = await api("POST", "/api/v1/releases", {"app_name": "other"})
    assert refused.status == 404
    for machine in flyctl.machines:
        await flyctl.update(machine)
    await flyctl.end()
    began, steps, ended = told(api)
    assert (began.release, began.strategy, began.image) == (2, "rolling", "atlas:2")
    assert set(began.machines) == {machine["id"] for machine in flyctl.machines}
    assert sorted(steps) == [("update", "fra"), ("update", "iad")]
    assert (ended.outcome, ended.error) == ("done", "")
    # What comes later is no part of it, and new machines are of the release.
    await api("POST", f"{MACHINES}/{flyctl.machines[0]['id']}/cordon")
    assert len(told(api)[1]) == 2
    assert api.world.fleet.default.image == "atlas:2"
    listed = (await api("GET", "/api/v1/apps/atlas/releases?limit=1")).body["releases"]
    assert [(r["version"], r["status"], r["strategy"]) for r in listed] == [
        (2, "complete", "ROLLING")
    ]
    assert (await api("GET", "/api/v1/apps/atlas/releases/current")).body["version"] == 2
    assert list((await api("GET", "/api/v1/releases/all_current")).body) == ["atlas"]


@pytest.mark.parametrize("code", [0, 3])
async def test_a_release_command_is_a_machine_that_goes_with_its_end(api, code):
    config = {"init": {"cmd": ["./migrate"]}, "auto_destroy": True, "restart": {"policy": "no"}}
    body = {"config": config, "region": "iad", "skip_launch": True}
    made = (await api("POST", MACHINES, body)).body
    path = f"{MACHINES}/{made['id']}"
    assert made["config"]["auto_destroy"]
    assert (await api("GET", f"{path}/wait?state=stopped&timeout=5")).status == 200
    assert (await api("POST", f"{path}/start")).status == 200
    assert (await api("GET", f"{path}/wait?state=started&timeout=5")).status == 200
    assert (await api("GET", f"{path}/wait?state=stopped&timeout=1")).status == 408
    api.runtime.runs[-1].die(Exit(code))
    assert (await api("GET", f"{path}/wait?state=destroyed&timeout=5")).status == 200
    # flyctl takes this for a machine that was too fast to be seen.
    assert (await api("GET", f"{path}/wait?state=started&timeout=5")).status == 404
    events = {event["type"]: event for event in (await api("GET", path)).body["events"]}
    assert events["exit"]["request"]["exit_event"]["exit_code"] == code
    assert len((await api("GET", MACHINES)).body) == 2


async def test_an_immediate_deploy_waits_for_nobody(api):
    flyctl = Flyctl(api)
    await flyctl.begin("IMMEDIATE")
    for machine in flyctl.machines:
        body = {"config": flyctl.config(machine)}
        path = f"{MACHINES}/{machine['id']}"
        await flyctl.ask("POST", path, body, **flyctl.nonces[machine["id"]])
    await flyctl.end()
    began, steps, ended = told(api)
    assert (began.strategy, len(steps), ended.outcome) == ("immediate", 2, "done")


async def test_a_canary_is_a_machine_more_that_is_watched_first(api):
    flyctl = Flyctl(api)
    await flyctl.begin("CANARY")
    first = flyctl.machines[0]
    config = flyctl.config(first)
    config["metadata"]["fly_canary"] = "true"
    bird = await flyctl.ask(
        "POST", MACHINES, {"config": config, "region": "iad", "skip_service_registration": True}
    )
    await flyctl.started(f"{MACHINES}/{bird['id']}")
    await flyctl.ask("DELETE", f"{MACHINES}/{bird['id']}?kill=true")
    for machine in flyctl.machines:
        await flyctl.update(machine)
    await flyctl.end()
    began, steps, _ = told(api)
    assert began.strategy == "canary"
    assert [step for step, _ in steps] == ["create", "stop", "destroy", "update", "update"]


async def test_a_bluegreen_deploy_ends_the_old_machines_by_stopping_them(api):
    flyctl = Flyctl(api)
    await flyctl.begin("BLUEGREEN")
    greens = []
    for machine in flyctl.machines:
        body = {"config": flyctl.config(machine), "region": machine["region"]}
        green = await flyctl.ask("POST", MACHINES, {**body, "skip_service_registration": True})
        await flyctl.started(f"{MACHINES}/{green['id']}")
        greens.append(green["id"])
    for green in greens:
        await flyctl.ask("POST", f"{MACHINES}/{green}/uncordon")
    ends: dict[str, Any] = {"cordon": None, "stop": {"signal": "SIGINT", "timeout": "1s"}}
    for verb, body in ends.items():
        for machine in flyctl.machines:
            path, nonce = f"{MACHINES}/{machine['id']}", flyctl.nonces[machine["id"]]
            await flyctl.ask("POST", f"{path}/{verb}", body, **nonce)
    for machine in flyctl.machines:
        path, nonce = f"{MACHINES}/{machine['id']}", flyctl.nonces[machine["id"]]
        await flyctl.ask("GET", f"{path}/wait?state=stopped&timeout=60")
        await flyctl.ask("DELETE", f"{path}?kill=true", **nonce)
    await flyctl.end()
    _, steps, ended = told(api)
    assert [step for step, _ in steps] == [
        *("create", "create", "uncordon", "uncordon"),
        *("cordon", "cordon", "stop", "stop", "destroy", "destroy"),
    ]
    assert ended.outcome == "done"
    assert set(api.world.fleet.machines) == set(greens)


async def test_a_deploy_that_failed_says_why_and_changes_no_default(api):
    flyctl = Flyctl(api)
    await flyctl.begin("ROLLING")
    await flyctl.end("failed", post_deployment_info={"error": "smoke checks failed"})
    ended = told(api)[2]
    assert (ended.outcome, ended.error) == ("failed", "smoke checks failed")
    assert api.world.fleet.default.image != "atlas:2"


async def test_a_flyctl_that_went_away_is_in_nobodys_way(api):
    await Flyctl(api).begin("ROLLING")
    again = {"app_name": "atlas", "image": IMAGE, "strategy": "ROLLING"}
    assert (await api("POST", "/api/v1/releases", again)).body["release"]["version"] == 3
    (_, ended), *_ = only(api.world.journal.records, DeployEnded)
    assert (ended.release, ended.outcome) == (2, "failed")


async def test_a_deploy_of_ones_own_waits_for_a_flyctl_that_holds_its_leases(api):
    flyctl, deploys = Flyctl(api), api.world.deploys
    await flyctl.begin("ROLLING")
    with pytest.raises(InputError, match="a deploy is under way"):
        await deploys.deploy(Order())
    for machine, nonce in flyctl.nonces.items():
        await api("DELETE", f"{MACHINES}/{machine}/lease", None, **nonce)
    assert (await deploys.deploy(Order(strategy="immediate"))).error is None
    ends = [(e.release, e.outcome) for _, e in only(api.world.journal.records, DeployEnded)]
    assert ends == [(2, "failed"), (3, "done")]


LATEST = "query($image: String!) { latestImageDetails(image: $image) { registry tag version } }"
APPS = 'query { apps(type: "container", first: 200) { pageInfo { hasNextPage } nodes { name } } }'
BLUEGREEN = "query($appName: String!) { canPerformBluegreenDeployment(name: $appName) }"


async def test_the_queries_of_status_and_of_apps_list_are_answered(api):
    latest = await graphql(api, LATEST, image="registry.example/a/b:3", flyVersion="")
    assert latest["latestImageDetails"] == {
        "registry": "registry.example",
        "repository": "a/b",
        "tag": "3",
        "version": "",
        "digest": "",
    }
    apps = (await graphql(api, APPS))["apps"]
    assert not apps["pageInfo"]["hasNextPage"]
    assert [(app["name"], app["currentRelease"]["status"]) for app in apps["nodes"]] == [
        ("atlas", "complete")
    ]
    assert (await graphql(api, BLUEGREEN, appName="atlas"))["canPerformBluegreenDeployment"]


async def test_secrets_are_deployed_with_the_newest_releases_image(api):
    query = (
        "query($appName:String!) { app(name:$appName) { currentReleaseUnprocessed { imageRef } } }"
    )
    data = await graphql(api, query, appName="atlas")
    assert data["app"]["currentReleaseUnprocessed"]["imageRef"].startswith("local/")
