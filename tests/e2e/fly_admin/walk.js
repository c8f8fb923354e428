// Takes a world's machines for a walk with fly-admin, and prints what it was answered as JSON.
const { default: Client } = require("fly-admin/dist/client");

const app_name = process.env.FLY_APP;
const fly = new Client(process.env.FLY_API_TOKEN, {
  apiUrl: process.env.FLY_FLAPS_BASE_URL,
  graphqlUrl: process.env.FLY_API_BASE_URL,
});

async function refused(doing) {
  try {
    await doing;
  } catch (error) {
    return error.message;
  }
  return null;
}

async function walk() {
  const said = {};
  said.apps = await fly.App.listApps("personal");
  said.app = await fly.App.getAppDetailed(app_name);
  said.regions = await fly.Regions.getRegions();
  said.organization = await fly.Organization.getOrganization("personal");
  said.machines = await fly.Machine.listMachines({ app_name, region: "iad" });
  const source = await fly.Machine.getMachine({ app_name, machine_id: said.machines[0].id });

  const made = await fly.Machine.createMachine({ app_name, config: source.config, region: "fra" });
  const machine = { app_name, machine_id: made.id };
  const until = (state, instance_id) =>
    fly.Machine.waitMachine({ ...machine, state, timeout: "30s", ...(instance_id && { instance_id }) });
  said.started = await until("started", made.instance_id);
  said.lease = await fly.Machine.acquireLease({ ...machine, ttl: 1, description: "a walk" });
  said.leased = await refused(fly.Machine.stopMachine(machine));
  said.held = await fly.Machine.getLease(machine);
  await new Promise((over) => setTimeout(over, 1200)); // until its second is over

  await fly.Machine.cordonMachine(machine);
  said.cordoned = await fly.Machine.getMachine(machine);
  await fly.Machine.uncordonMachine(machine);
  said.processes = await fly.Machine.listProcesses(machine);
  await fly.Secret.setSecrets({ appId: app_name, secrets: [{ key: "COLOUR", value: "green" }] });
  const config = { ...source.config, env: { ...source.config.env, VERSION: "2" } };
  const updated = await fly.Machine.updateMachine({ ...machine, config });
  said.updated = await until("started", updated.instance_id);
  said.versions = await fly.Machine.listVersions(machine);
  await fly.Machine.restartMachine({ ...machine, timeout: "5s" });
  await until("started");
  await fly.Machine.stopMachine(machine);
  said.stopped = await until("stopped", updated.instance_id);
  said.stopped_twice = await refused(fly.Machine.stopMachine(machine));
  await fly.Machine.startMachine(machine);
  await until("started");
  await fly.Machine.signalMachine({ ...machine, signal: "SIGKILL" });
  await until("stopped", updated.instance_id);
  said.events = await fly.Machine.listEvents(machine);
  said.destroyed = await fly.Machine.deleteMachine({ ...machine, force: true });
  said.volumes = await fly.Volume.listVolumes(app_name);
  said.unknown = await refused(fly.Machine.getMachine({ app_name, machine_id: "none" }));
  await fly.Secret.unsetSecrets({ appId: app_name, keys: ["COLOUR"] });
  said.left = await fly.Machine.listMachines(app_name);
  console.log(JSON.stringify(said));
}

walk();
