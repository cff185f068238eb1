"""The server's application: the page, and the HTTP API behind it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from numpy.typing import NDArray
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from sketchrnn import __version__
from sketchrnn.errors import SketchRNNError
from sketchrnn.formats import Record
from sketchrnn.formats.quickdraw_ndjson import dumps_ndjson
from sketchrnn.formats.svg.writing import COMPLETION_COLOR, Layer, svg_drawing, svg_sheet
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.choice import draw_best
from sketchrnn.model.completion import Completion, stream
from sketchrnn.model.guess import guess
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import SeenPrefix, see_prefix
from sketchrnn.model.sampling import LATENTS
from sketchrnn.sketch import Sketch
from sketchrnn.web import schemas
from sketchrnn.web.assets import page_files, page_scale
from sketchrnn.web.protection import Protection
from sketchrnn.web.work import BusyError, OvertimeError, Result, Workers

FLUSH_SECONDS = 0.01
"""Points of a stream are sent together when they are drawn within so short a time."""

NDJSON = "application/x-ndjson"
DESCRIPTION = """Completes partial sketches with a Sketch-RNN. `POST` a prefix to `/api/completions`, or to
`/api/completions/stream` to have the points as they are drawn. Sketches are lists of strokes, strokes lists of points
[x, y], in any unit, y pointing down. Every error is `{"detail": "..."}`."""

_EVENT: TypeAdapter[Any] = TypeAdapter(schemas.Event)
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": schemas.Error, "description": "The body is no JSON."},
    408: {"model": schemas.Error, "description": "The body took too long to arrive."},
    413: {"model": schemas.Error, "description": "The body is too large."},
    421: {"model": schemas.Error, "description": "The Host header names another server."},
    422: {"model": schemas.Error, "description": "A value is not what it may be; the message names it."},
    429: {"model": schemas.Error, "description": "Too much is asked for at once, or by this request."},
}
_LINES = {NDJSON: {"schema": {"type": "string", "description": "One of the Event objects a line."}}}


def create_app(
    checkpoint: Checkpoint, *, name: str, hosts: frozenset[str] | None = None, threads: int | None = None
) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application.

    Args:
        checkpoint: the model; its encoder may be missing.
        name: what the page calls it.
        hosts: what Host headers may name; None for anything.
        threads: how many requests are drawn for at once.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    network = NumpyNetwork(checkpoint)
    workers = Workers(network, threads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        workers.close()

    app = FastAPI(
        title="sketchrnn",
        description=DESCRIPTION,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # it would fetch its scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        separate_input_output_schemas=False,
    )
    _add_errors(app)
    _add_page(app)
    _add_api(app, workers, network, checkpoint, name)
    return Protection(app, hosts=hosts)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def refuse_values(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        if first["type"] == "json_invalid":
            return JSONResponse({"detail": f"expected JSON: {first['ctx']['error']}"}, HTTPStatus.BAD_REQUEST)
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, HTTPStatus.UNPROCESSABLE_ENTITY)

    @app.exception_handler(HTTPException)
    async def refuse(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)

    @app.exception_handler(SketchRNNError)
    async def refuse_input(_: Request, error: SketchRNNError) -> JSONResponse:
        if isinstance(error, BusyError | OvertimeError):
            return JSONResponse({"detail": str(error)}, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "1"})
        return JSONResponse({"detail": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _add_page(app: FastAPI) -> None:
    """Give every file of the page an address of its own: no path of a request is ever looked up."""
    for path, file in page_files().items():

        async def send(request: Request, file: Any = file) -> Response:
            headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
            if request.headers.get("if-none-match") == file.etag:
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
            return Response(file.content, media_type=file.media_type, headers=headers)

        app.add_api_route(path, send, methods=["GET", "HEAD"], include_in_schema=False)


def _add_api(app: FastAPI, workers: Workers, network: NumpyNetwork, checkpoint: Checkpoint, name: str) -> None:
    configuration = network.configuration

    @app.get("/api/model", summary="Say what draws", responses={421: _ERRORS[421]})
    async def model() -> schemas.Model:
        return schemas.Model(
            name=name,
            categories=list(configuration.categories),
            guesses=_guesses(network),
            unit="box" if checkpoint.unit == "box" else "source",
            page_scale=page_scale(checkpoint),
            version=__version__,
        )

    @app.post("/api/guess", summary="Say what a partial sketch is going to be", responses=_ERRORS)
    async def guess_category(request: schemas.GuessRequest, client: Request) -> schemas.Guesses:
        work = workers.run(lambda network: guess(network, _seen(network, request)))
        found = await _unless_gone(client, work)
        return schemas.Guesses(guesses=[schemas.Category(**vars(one)) for one in found[: request.count]])

    @app.post(
        "/api/completions",
        summary="Complete a partial sketch",
        response_model=schemas.Completions,
        responses={
            **_ERRORS,
            200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}, NDJSON: {"schema": {"type": "string"}}}},
        },
    )
    async def completions(request: schemas.WholeCompletionRequest, client: Request) -> Any:
        work = workers.run(lambda network: _complete(network, request))
        category, sketch, drawn = await _unless_gone(client, work)
        title = f"{category or 'a drawing'}, completed by sketchrnn"
        if request.format == "ndjson":
            records = (Record(completion.joined(sketch), word=category) for completion in drawn)
            return Response(dumps_ndjson(records), media_type=NDJSON)
        if request.format == "svg":
            pictures = [
                [Layer(sketch, "prefix"), Layer(completion.sketch, "completion", COMPLETION_COLOR)]
                for completion in drawn
            ]
            if len(drawn) == 1:
                text = svg_drawing(pictures[0], title=title, description=drawn[0].description)
            else:
                cells = [(one.label, picture) for one, picture in zip(drawn, pictures, strict=True)]
                text = svg_sheet(cells, title=title)
            return Response(text, media_type="image/svg+xml")
        return schemas.Completions(
            category=category,
            completions=[
                schemas.Completion(
                    strokes=one.sketch.polylines(), ended=one.ended, seed=one.seed, nats_per_point=one.nats_per_point
                )
                for one in drawn
            ],
        )

    @app.post(
        "/api/completions/stream",
        summary="Complete a partial sketch, point by point",
        description="Answers with an Event a line, as they are drawn: start; points and end of each drawing; or error.",
        response_class=StreamingResponse,
        responses={**_ERRORS, 200: {"content": _LINES, "description": "Events, one JSON object a line."}},
    )
    async def stream_completions(request: schemas.CompletionRequest) -> StreamingResponse:
        events = workers.stream(lambda network: _events(network, request))
        first = await anext(events)
        return StreamingResponse(_lines(first, events), media_type=NDJSON, headers={"Cache-Control": "no-store"})

    app.openapi = lambda: _document(app, network)  # type: ignore[method-assign]


async def _unless_gone(client: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of work, which is given up when the client goes away."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(client.receive())  # the body is read: what may come is the client's goodbye
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the client is gone")
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


def _complete(
    network: NumpyNetwork, request: schemas.WholeCompletionRequest
) -> tuple[str | None, Sketch, list[Completion]]:
    """Return what was drawn, the prefix, and the completions."""
    category = _category(network, request)
    prefix = _seen(network, request, category)
    drawn = draw_best(
        network,
        prefix,
        category,
        request.count,
        request.sampling(),
        request.choose_from,
        diverse=request.diverse,
    )
    return category, prefix.sketch, drawn


def _events(network: NumpyNetwork, request: schemas.CompletionRequest) -> Iterator[bytes]:
    """Draw, and yield lines."""
    category = _category(network, request)
    prefix = _seen(network, request, category)
    sampling = request.sampling()
    steps = stream(network, prefix, category, request.count, sampling)
    first = list(itertools.islice(steps, 1))  # what cannot be drawn at all is refused before the answer begins
    seeds = [sampling.seed + number for number in range(request.count)]
    yield _line(schemas.Started(category=category, seeds=seeds))
    origin = _point(prefix.sketch.last_point)
    begins_there = prefix.sketch.pen_down or not prefix.sketch.strokes
    waiting: list[list[tuple[float, float]]] = [[] for _ in seeds]  # points that are not sent yet
    going_on = set(range(request.count))
    lines: list[bytes] = []
    sent = time.monotonic()

    def send(drawing: int, *, lift: bool) -> None:
        if waiting[drawing]:
            lines.append(_line(schemas.Drawn(drawing=drawing, points=waiting[drawing], lift=lift)))
            waiting[drawing] = []

    def end(drawing: int, *, ended: bool) -> None:
        send(drawing, lift=False)
        lines.append(_line(schemas.Ended(drawing=drawing, ended=ended)))

    for number, step in enumerate(itertools.chain(first, steps)):
        for drawing in step.ended.tolist():
            end(drawing, ended=True)
            going_on.discard(drawing)
        for drawing, point, lift in zip(step.drawings.tolist(), step.points, step.lifts.tolist(), strict=True):
            if number == 0 and begins_there:
                waiting[drawing].append(origin)
            waiting[drawing].append(_point(point))
            if lift:
                send(drawing, lift=True)
        if time.monotonic() - sent >= FLUSH_SECONDS:
            for drawing in going_on:
                send(drawing, lift=False)
            yield b"".join(lines)
            lines.clear()
            sent = time.monotonic()
    for drawing in sorted(going_on):
        end(drawing, ended=False)
    yield b"".join(lines)


def _point(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])


async def _lines(first: bytes, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass lines on; an error ends them with a line of its own."""
    yield first
    try:
        async for line in events:
            yield line
    except SketchRNNError as error:
        yield _line(schemas.Failed(detail=str(error)))


def _line(event: Any) -> bytes:
    return bytes(_EVENT.dump_json(event)) + b"\n"


def _category(network: NumpyNetwork, request: schemas.CompletionRequest) -> str | None:
    """Return what is to be drawn, as the model spells it."""
    if request.category is None and network.configuration.conditional:
        return guess(network, _seen(network, request))[0].category
    return network.configuration.category_name(request.category)


def _seen(network: NumpyNetwork, request: schemas.Prefix, category: str | None = None) -> SeenPrefix:
    """Return what the model sees of a request's prefix."""
    index = None if category is None else network.configuration.category_index(category)
    pen = request.pen if isinstance(request, schemas.CompletionRequest) else None
    return see_prefix(network, request.sketch(), index, scale=request.scale, pen=pen)


def _guesses(network: NumpyNetwork) -> bool:
    return network.configuration.conditional and network.configuration.can_draw_without_latent


def _latents(network: NumpyNetwork) -> list[str]:
    """Return where a model can take z from."""
    configuration = network.configuration
    return [
        latent
        for latent in LATENTS
        if latent == "auto"
        or (latent == "none" and configuration.can_draw_without_latent)
        or (latent in ("prefix", "prior") and configuration.variational)
    ]


def _document(app: FastAPI, network: NumpyNetwork) -> dict[str, Any]:
    """Return the OpenAPI document with what FastAPI cannot know: a stream's lines, and what this model can do."""
    document = FastAPI.openapi(app)
    defined = document["components"]["schemas"]
    events = _EVENT.json_schema(ref_template="#/components/schemas/{model}")
    defined.update(events.pop("$defs"), Event=events)
    for name in ("CompletionRequest", "WholeCompletionRequest"):
        fields = defined[name]["properties"]
        if network.configuration.categories:
            fields["category"]["anyOf"][0] = {"type": "string", "enum": list(network.configuration.categories)}
        fields["latent"]["enum"] = _latents(network)
    return document
