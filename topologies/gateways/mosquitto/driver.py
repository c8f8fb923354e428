"""A sensor that speaks MQTT 3.1.1 over a WebSocket: each reading is retained, at QoS 1."""

MQTT = {"protocols": ["mqtt"]}
CONNECT, CONNACK, PUBLISH, PUBACK = 0x10, 0x20, 0x30, 0x40
SUBSCRIBE, PINGREQ, PINGRESP = 0x82, 0xC0, 0xD0
QOS_1, RETAIN = 0x02, 0x01
CLEAN = 0x02


class Sensor:
    def __init__(self):
        self._acked = 0
        self._known = False

    async def run(self, client):
        name = client.name.replace("/", "-")
        async with client.websocket("/mqtt", **MQTT) as socket:
            await socket.send_bytes(connect(name, flags=0))
            connack = await client.within(socket.receive_bytes())
            assert (connack[0], connack[3]) == (CONNACK, 0), connack
            present = connack[2] == 1  # the broker has this client's session
            acked = self._acked if present else 0
            client.session_ready(name, resumed=self._known, acked=acked, remembered=self._acked)
            self._known = True
            async for turn in client.pace():
                client.send(name, turn)
                await socket.send_bytes(publish(f"readings/{name}/{turn}", turn))
                puback = await client.within(socket.receive_bytes())
                assert puback[0] == PUBACK, puback
                self._acked = int.from_bytes(puback[2:4], "big")
                client.acked(name, self._acked)

    async def stored(self, session):
        """Subscribe to the sensor's topics: what is retained comes before the next answer."""
        kept = []
        async with session.http.ws_connect("/mqtt", **MQTT) as socket:
            topic = text(f"readings/{session.id}/+")
            await socket.send_bytes(connect(f"audit-{session.id}", flags=CLEAN))
            await socket.send_bytes(packet(SUBSCRIBE, b"\x00\x01" + topic + b"\x00"))
            await socket.send_bytes(packet(PINGREQ, b""))
            while (said := await socket.receive_bytes())[0] != PINGRESP:
                if said[0] == PUBLISH | RETAIN:
                    kept.append(int(said.rpartition(b"=")[2]))
        return sorted(kept)  # topics have no order among them


def connect(name, flags):
    keep_alive = b"\x00\x3c"
    return packet(CONNECT, text("MQTT") + bytes([4, flags]) + keep_alive + text(name))


def publish(topic, number):
    body = text(topic) + number.to_bytes(2, "big") + f"reading={number}".encode()
    return packet(PUBLISH | QOS_1 | RETAIN, body)


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def packet(kind, body):
    """A packet of fewer than 128 bytes, whose length is one byte."""
    return bytes([kind, len(body)]) + body
