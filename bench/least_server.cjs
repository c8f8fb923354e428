// The least server there is: what a request of it costs is mostly the kernel's.
const server = require("node:http").createServer((_, response) => response.end("ok"));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
