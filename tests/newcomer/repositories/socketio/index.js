const express = require('express');
const { createServer } = require('http');
const { Server } = require('socket.io');

const app = express();
app.get('/health', (request, response) => response.send('ok'));

const server = createServer(app);
const io = new Server(server);

io.on('connection', (socket) => {
  const lines = [];
  socket.on('chat', (line, ack) => {
    lines.push(line);
    socket.broadcast.emit('chat', line);
    ack({ stored: lines.length });
  });
});

server.listen(process.env.PORT || 3000);
