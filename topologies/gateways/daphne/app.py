"""Chat rooms on Django Channels, the whole site in one file. What was said is in this process.

client: {"say": 1, "text": "..."} at /rooms/<room>      server: {"said": 1}
GET /history/<room>: {"history": [1, 2, ...]}
"""

from collections import defaultdict

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="for this demo only")
rooms = defaultdict(list)


class Room(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        rooms[self.scope["url_route"]["kwargs"]["room"]].append(content["say"])
        await self.send_json({"said": content["say"]})


def history(_request, room):
    return JsonResponse({"history": rooms[room]})


urlpatterns = [
    path("", lambda _request: HttpResponse("ok")),
    path("history/<room>", history),
]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("rooms/<room>", Room.as_asgi())]),
    }
)
