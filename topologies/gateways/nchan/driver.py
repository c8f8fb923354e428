"""A client of nchan: publishes into its channel, and counts what comes back from it as taken."""

from http import HTTPStatus


class Member:
    async def run(self, client):
        channel = client.name.replace("/", "_").replace("-", "_")
        async with client.websocket(f"/room/{channel}") as socket:
            async for turn in client.pace():
                client.send(channel, turn)
                await socket.send_str(f"{turn} {'x' * client.payload}")
                heard = await client.within(socket.receive_str())
                client.acked(channel, int(heard.split()[0]))

    async def stored(self, session):
        """Read the channel from its oldest message on; 304 says that there are no more."""
        numbers, after = [], {}
        while True:
            async with session.http.get(f"/kept/{session.id}", headers=after) as answer:
                if answer.status == HTTPStatus.NOT_MODIFIED:
                    return numbers
                answer.raise_for_status()
                numbers.append(int((await answer.text()).split()[0]))
                after = {
                    "If-Modified-Since": answer.headers["Last-Modified"],
                    "If-None-Match": answer.headers["Etag"],
                }
