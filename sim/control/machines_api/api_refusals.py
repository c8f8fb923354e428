"""Refusals as Fly words them: a status, and `{"error": "what and why"}`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sim.errors import EnvironmentLacksError, InputError, SimError
from sim.machines.lease import LeaseHeldError, NoLeaseError
from sim.machines.lifecycle import IllegalTransitionError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):  # noqa: N818 - an answer, which no other code catches
    """A request that is not done. `kind` is the word that some clients look for."""

    def __init__(self, status: int, text: str, kind: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


def answering(handler: Handler) -> Handler:
    """The handler, with every refusal turned into its answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return _error(refusal.status, str(refusal), refusal.kind)
        except web.HTTPException as error:
            return _error(error.status, error.text or error.reason)
        except SimError as error:
            return _error(_status(error), str(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours, told as one
            context = {"message": f"the Machines API failed at {request.path}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return _error(500, f"a defect of the simulator: {type(error).__name__}: {error}")

    return answer


def _status(error: SimError) -> int:
    if isinstance(error, NoLeaseError):
        return 404
    if isinstance(error, (LeaseHeldError, IllegalTransitionError)):
        return 409
    return 400 if isinstance(error, InputError) else 422


def _error(status: int, text: str, kind: str | None = None) -> web.Response:
    body = {"error": text, "status": kind} if kind else {"error": text}
    return web.json_response(body, status=status)


def no_room(error: EnvironmentLacksError) -> Refusal:
    """There is no place for another machine: what Fly calls a lack of capacity."""
    return Refusal(422, error.lack, "insufficient_capacity")
