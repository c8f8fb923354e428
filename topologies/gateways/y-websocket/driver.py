"""An editor of one shared Yjs document: it keeps all of it, and syncs at each connection.

y-websocket acknowledges nothing; but it sends every change to everybody, its author too. A line
counts as taken when it has come back.
"""

from pycrdt import (
    Array,
    Doc,
    YMessageType,
    YSyncMessageType,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)


class Editor:
    def __init__(self):
        self._document = Doc()
        self._opened = False
        self._acked = 0

    async def run(self, client):
        name = client.name
        mine = self._document.get(name, type=Array)
        async with client.websocket("/minutes") as socket:
            server = Doc()  # what the server has said that it has
            taken = server.get(name, type=Array)
            await socket.send_bytes(create_sync_message(server))
            while len(taken) < len(mine):  # it asks for what it lacks, and is given it
                await client.within(self._hear(socket, server))
            acked = int(max(taken, default=0))
            client.session_ready(name, resumed=self._opened, acked=acked, remembered=self._acked)
            self._opened = True
            async for turn in client.pace():
                before = self._document.get_state()
                mine.append(turn)
                client.send(name, turn)
                change = self._document.get_update(before)
                await socket.send_bytes(create_update_message(change))
                while turn not in list(taken):
                    await client.within(self._hear(socket, server))
                client.acked(name, turn)
                self._acked = turn

    async def _hear(self, socket, server):
        kind, *message = await socket.receive_bytes()
        if kind != YMessageType.SYNC:
            return  # awareness: whose cursor is where
        if message[0] == YSyncMessageType.SYNC_STEP1:
            await socket.send_bytes(handle_sync_message(bytes(message), self._document))
        else:
            handle_sync_message(bytes(message), server)
            self._document.apply_update(server.get_update(self._document.get_state()))

    async def stored(self, session):
        server = Doc()
        async with session.http.ws_connect("/minutes") as socket:
            await socket.send_bytes(create_sync_message(server))
            while True:
                kind, *message = await socket.receive_bytes()
                if kind == YMessageType.SYNC and message[0] == YSyncMessageType.SYNC_STEP2:
                    handle_sync_message(bytes(message), server)
                    return [int(number) for number in server.get(session.id, type=Array)]
