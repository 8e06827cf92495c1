"""The API as an OpenAPI 3.1 document; a contract test holds every answer against it."""

from typing import Any

from faceblur_service.boxes import FARTHEST, MOST
from faceblur_service.codec import Format
from faceblur_service.options import Mode, Sensitivity, Strength

Json = dict[str, Any]

_FORMATS = tuple(known.media_type for known in Format)
_RESULTS = tuple(dict.fromkeys(known.written.media_type for known in Format))
_CHOICES = {"mode": Mode, "strength": Strength, "sensitivity": Sensitivity}
_WORDS = {
    "mode": "How a face is hidden; only solid is irreversible.",
    "strength": "How little is left of a face by blur and mosaic.",
    "sensitivity": "How hard to look for faces.",
    "boxes": "A person's corrected boxes as JSON: exactly these are hidden.",
}
_PROBLEMS = {
    400: "The request is not one that this address understands.",
    401: "A token is wanted.",
    403: "Another site's page sent this.",
    404: "There is no such address, or it is not offered.",
    405: "This address knows other methods.",
    408: "The rest of the request did not come.",
    413: "The picture is too large.",
    414: "The address is too long.",
    415: "The bytes are no picture of a kind that is supported.",
    422: "The picture is broken.",
    429: "This client has sent too many pictures.",
    500: "The service failed; no picture left it.",
    503: "The service is busy, or not available.",
}


def document() -> Json:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Face Blur",
            "version": "1",
            "description": "Finds every face in a picture and makes it unrecognisable, locally.",
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/api/v1/blur": {"post": _blur()},
            "/api/v1/blur/batch": {"post": _batch()},
            "/api/v1/detect": {"post": _detect()},
            "/api/enable-gray": {"get": _gray_state(), "post": _gray_change()},
            "/api/v1/admin/gray-users": {"get": _users(), "delete": _purge()},
            "/api/v1/admin/gray-users/{user}": {"delete": _remove()},
            "/healthz": {"get": _plain("Is the process alive?", "status", {})},
            "/readyz": {"get": _plain("Can pictures be served?", "status", _refused(503))},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _blur() -> Json:
    return {
        "operationId": "blur",
        "summary": "Hide the faces of one picture",
        "security": [{}, {"token": []}],
        "parameters": [*_choices("mode", "strength", "sensitivity"), _boxes()],
        "requestBody": _picture("mode", "strength", "sensitivity", "boxes"),
        "responses": {
            "200": {
                "description": "The picture in its own format, HEIC as JPEG, with hidden faces.",
                "headers": {
                    "X-Face-Blur-Faces": _header("integer", "Faces that were hidden."),
                    "X-Face-Blur-Degraded": _header("string", "Why stable answered for gray."),
                },
                "content": {kind: {"schema": {}} for kind in _RESULTS},
            },
            **_refused(400, 401, 408, 413, 414, 415, 422, 429, 500, 503),
        },
    }


def _batch() -> Json:
    fields = {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1},
        **{name: {"$ref": f"#/components/schemas/{name}"} for name in _CHOICES},
    }
    return {
        "operationId": "blurBatch",
        "summary": "Hide the faces of many pictures, streamed back as they finish",
        "security": [{}, {"token": []}],
        "parameters": _choices("mode", "strength", "sensitivity"),
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["image"], "properties": fields}}}},
        "responses": {
            "200": {
                "description": "An archive with report.json last, or a line of JSON per picture.",
                "content": {
                    "application/zip": {"schema": {}},
                    "application/x-ndjson": {"schema": {}},
                },
            },
            **_refused(400, 401, 408, 413, 414, 415, 429, 500, 503),
        },
    }  # fmt: skip


def _detect() -> Json:
    return {
        "operationId": "detect",
        "summary": "Say where the faces are",
        "security": [{}, {"token": []}],
        "parameters": _choices("sensitivity"),
        "requestBody": _picture("sensitivity"),
        "responses": {
            "200": _json("The faces, best first.", {"$ref": "#/components/schemas/Found"}),
            **_refused(400, 401, 408, 413, 414, 415, 422, 429, 500, 503),
        },
    }


def _gray_state() -> Json:
    return {
        "operationId": "grayState",
        "summary": "Do I take part in the gray channel?",
        "responses": {"200": _json("The state.", {"$ref": "#/components/schemas/Gray"})},
    }


def _gray_change() -> Json:
    wanted = {
        "type": "object",
        "required": ["enabled"],
        "properties": {"enabled": {"type": "boolean"}},
        "additionalProperties": False,
    }
    return {
        "operationId": "enableGray",
        "summary": "Join or leave the gray channel",
        "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
        "responses": {
            "200": _json("The new state.", {"$ref": "#/components/schemas/Gray"}),
            **_refused(400, 403, 408, 413, 415, 503),
        },
    }


def _users() -> Json:
    listed = {
        "type": "object",
        "required": ["count", "users"],
        "properties": {
            "count": {"type": "integer"},
            "users": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {**_admin("listGrayUsers", "List who takes part in the gray channel", listed)}


def _purge() -> Json:
    return _admin("purgeGrayUsers", "End every membership", _removed())


def _remove() -> Json:
    user = {"name": "user", "in": "path", "required": True, "schema": {"type": "string"}}
    return {**_admin("removeGrayUser", "End one membership", _removed()), "parameters": [user]}


def _admin(name: str, summary: str, schema: Json) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"token": []}],
        "responses": {"200": _json("Done.", schema), **_refused(401, 404, 503)},
    }


def _plain(summary: str, field: str, more: Json) -> Json:
    schema = {"type": "object", "required": [field], "properties": {field: {"type": "string"}}}
    return {"summary": summary, "responses": {"200": _json("Yes.", schema), **more}}


def _removed() -> Json:
    fields = {"removed": {"type": "integer", "minimum": 0}}
    return {"type": "object", "required": ["removed"], "properties": fields}


def _choices(*names: str) -> list[Json]:
    return [
        {"name": name, "in": "query", "description": _WORDS[name],
         "schema": {"$ref": f"#/components/schemas/{name}"}}
        for name in names
    ]  # fmt: skip


def _boxes() -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Boxes"}}}
    return {"name": "boxes", "in": "query", "description": _WORDS["boxes"], "content": content}


def _picture(*fields: str) -> Json:
    form: Json = {
        "image": {"type": "string", "format": "binary"},
        **{name: {"$ref": f"#/components/schemas/{name}"} for name in fields if name != "boxes"},
    }
    encoding: Json = {}
    if "boxes" in fields:
        form["boxes"] = {"$ref": "#/components/schemas/Boxes"}
        encoding = {"encoding": {"boxes": {"contentType": "application/json"}}}
    schema = {"type": "object", "required": ["image"], "properties": form}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {
        **dict.fromkeys(_FORMATS, binary),
        "multipart/form-data": {"schema": schema, **encoding},
    }
    return {"required": True, "content": content}


def _header(kind: str, text: str) -> Json:
    return {"description": text, "schema": {"type": kind}}


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _refused(*statuses: int) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    return {
        str(status): {"description": _PROBLEMS[status], "content": content} for status in statuses
    }


def _schemas() -> Json:
    far = {"type": "number", "maximum": FARTHEST}
    numbers: Json = {name: {**far, "minimum": -FARTHEST} for name in ("x", "y")}
    numbers |= {name: {**far, "exclusiveMinimum": 0} for name in ("width", "height")}
    more = {"id": {"type": "string"}, "score": {"type": "number"}, "hide": {"type": "boolean"}}
    box = {
        "type": "object",
        "required": list(numbers),
        "properties": {**numbers, **more},
        "additionalProperties": False,
    }
    problem = {
        name: {"type": "string"} for name in ("type", "title", "detail", "code", "requestId")
    }
    return {
        **{name: {"enum": [one.value for one in kind]} for name, kind in _CHOICES.items()},
        "Box": box,
        "Boxes": {"type": "array", "maxItems": MOST, "items": {"$ref": "#/components/schemas/Box"}},
        "Found": {
            "type": "object",
            "required": ["width", "height", "faces"],
            "properties": {
                "width": {"type": "integer"},
                "height": {"type": "integer"},
                "faces": {"$ref": "#/components/schemas/Boxes"},
            },
        },
        "Gray": {
            "type": "object",
            "required": ["enabled"],
            "properties": {
                "enabled": {"type": "boolean"},
                "available": {"type": "boolean"},
                "message": {"type": "string"},
            },
        },
        "Problem": {
            "type": "object",
            "required": [*problem, "status"],
            "properties": {**problem, "status": {"type": "integer"}},
        },
    }
