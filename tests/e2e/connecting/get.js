// get.js URL [MS]: by Node's own fetch, or by http.get that gives up connecting after so long.
const http = require("node:http");
const [url, ms] = process.argv.slice(2);
const failed = (error) => { console.log(error.cause?.code ?? error.code ?? error.message); process.exit(1); };
if (ms === undefined) {
  fetch(url).then(async (answer) => console.log(await answer.text()), failed);
} else {
  const request = http.get(url, { autoSelectFamily: false, timeout: Number(ms) }, (answer) => {
    answer.setEncoding("utf8").on("data", (text) => process.stdout.write(text));
  });
  request.on("timeout", () => request.destroy(new Error("timed out"))).on("error", failed);
}
