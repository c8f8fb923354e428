import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { WebSocketServer } from 'ws';

const secret = process.env.TICKET_SECRET;
if (!secret) throw new Error('TICKET_SECRET is not set');
const port = Number(process.env.PORT ?? 3000);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
pool.on('error', (error) => console.error('database:', error.message));

const sign = (user) => `${user}.${createHmac('sha256', secret).update(user).digest('hex')}`;

await pool.query('CREATE TABLE IF NOT EXISTS said (room text, n int, line text, PRIMARY KEY (room, n))');

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://here');
  if (pathname === '/api/health') {
    try {
      await pool.query('SELECT 1');
      response.end('ok');
    } catch {
      response.writeHead(503).end('no database');
    }
  } else if (request.method === 'POST' && pathname === '/api/ticket') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ticket: sign(searchParams.get('user') ?? 'guest') }));
  } else {
    response.writeHead(404).end();
  }
});

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  const { pathname, searchParams } = new URL(request.url, 'http://here');
  const ticket = searchParams.get('ticket') ?? '';
  if (pathname !== '/live' || sign(ticket.split('.')[0]) !== ticket) {
    socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, socket, head, (client) => {
    let room = null;
    client.on('message', async (data) => {
      const said = JSON.parse(data);
      if (said.type === 'join') {
        room = said.room ?? randomUUID();
        const { rows } = await pool.query('SELECT coalesce(max(n), 0) AS last FROM said WHERE room = $1', [room]);
        client.send(JSON.stringify({ type: 'joined', room, last: rows[0].last }));
      } else if (said.type === 'say') {
        await pool.query('INSERT INTO said VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [room, said.n, said.line]);
        client.send(JSON.stringify({ type: 'stored', n: said.n }));
      }
    });
  });
});

server.listen(port, () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => process.exit(0));
