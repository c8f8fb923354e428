// Node.js: prints how long each way of waiting lasted, by its own clock.
const net = require("node:net");
const long = Number(process.argv[2]) * 1000;
const alive = setInterval(() => {}, 1e9); // a signal's timer alone keeps no program up

const sleep = (span) => new Promise((done) => setTimeout(done, span));

const interval = (span) =>
  new Promise((done) => {
    let left = 5;
    const timer = setInterval(() => --left || (clearInterval(timer), done()), span / 5);
  });

const poll = (span) => new Promise((done) => AbortSignal.timeout(span).addEventListener("abort", done));

const condition = async (span) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, span);
};

const deadline = (span) =>
  new Promise((done) => {
    const server = net.createServer(() => {}).listen(0, "127.0.0.1", () => {
      const socket = net.connect(server.address().port, "127.0.0.1");
      socket.setTimeout(span, () => {
        socket.destroy();
        server.close();
        done();
      });
    });
  });

(async () => {
  const ways = { sleep, interval, "poll timeout": poll, "condition wait": condition };
  ways["read deadline"] = deadline;
  for (const [name, wait] of Object.entries(ways)) {
    await wait(long / 50); // so that nothing is done for the first time
    const began = process.hrtime.bigint();
    await wait(long);
    console.log("lasted", Number(process.hrtime.bigint() - began) / 1e9, name);
  }
  console.log("calendar", Date.now() / 1000);
  clearInterval(alive);
})();
