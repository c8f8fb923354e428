// A gateway that knows nothing of the simulator: a score board over WebSockets, on `ws`.
//
//   client: {"cmd": "enter", "player": "…"}     server: {"ev": "entered", "seat": n, "where": "fra"}
//   client: {"cmd": "hit", "no": 7}             server: {"ev": "counted", "no": 7, "total": 7}
"use strict";
const http = require("http");
const { WebSocketServer } = require("ws");

const server = http.createServer((request, response) => {
  response.writeHead(request.url === "/up" ? 204 : 404).end();
});
const board = new WebSocketServer({ server, path: "/board" });
let seats = 0;

board.on("connection", (socket) => {
  let player = null;
  let total = 0;
  socket.on("message", (data) => {
    const said = JSON.parse(data);
    if (said.cmd === "enter") {
      player = said.player;
      seats += 1;
      const where = process.env.FLY_REGION || "nowhere";
      socket.send(JSON.stringify({ ev: "entered", seat: seats, where }));
    } else if (said.cmd === "hit" && player) {
      total += 1;
      socket.send(JSON.stringify({ ev: "counted", no: said.no, total }));
    } else {
      socket.close(4400, "enter first");
    }
  });
});

server.listen(Number(process.env.PORT || 3000));
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(0));
