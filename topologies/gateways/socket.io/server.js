// A lobby on socket.io: rooms whose history is in this process, as with its default adapter.
const http = require("http");
const { Server } = require("socket.io");

const history = new Map();
const of = (room) => history.get(room) || history.set(room, []).get(room);

const server = http.createServer((request, response) => {
  const [, place, room] = request.url.split("/");
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(place === "history" ? of(room) : "ok"));
});
const io = new Server(server);

io.on("connection", (socket) => {
  const { room } = socket.handshake.auth;
  socket.join(room);
  socket.emit("joined", of(room).at(-1)?.n ?? 0);
  socket.on("say", (message, acknowledge) => {
    of(room).push(message);
    socket.to(room).emit("said", message);
    acknowledge();
  });
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => io.close(() => process.exit(0)));
}
server.listen(process.env.PORT, process.env.HOST);
