"""fakesnow, and what it takes as given: the user, the password or the key, the role, the warehouse, what there is to use.

Its rows come as Arrow, which the Node driver does not read: they are sent as JSON.
"""
import base64
import gzip
import importlib
import json
import os
import sys

import jwt
import pyarrow.ipc
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

# `fakesnow.server` is the name of a function as well.
server = importlib.import_module("fakesnow.server")
KNOWN = json.loads(os.environ["KNOWN"])
warehouses = {}

server.shared_fs.connect(KNOWN["database"], KNOWN["schema"])
server.shared_fs.create_database_on_connect = False
server.shared_fs.create_schema_on_connect = False


def refused(code):
    return JSONResponse({"success": False, "code": code, "message": "refused", "data": {}})


def signed(data):
    user = f"{data['ACCOUNT_NAME']}.{data['LOGIN_NAME']}".upper()
    try:
        # The driver tells the time in milliseconds.
        options = {"verify_iat": False}
        return jwt.decode(data["TOKEN"], KNOWN["public_key"], algorithms=["RS256"], options=options)["sub"] == user
    except jwt.InvalidTokenError:
        return False


async def login(request):
    data = json.loads(await plain(request))["data"]
    by_key = data.get("AUTHENTICATOR") == "SNOWFLAKE_JWT"
    if data["LOGIN_NAME"] != KNOWN["user"] or not (signed(data) if by_key else data.get("PASSWORD") == KNOWN["password"]):
        return refused("390144" if by_key else "390100")
    asked = request.query_params
    if asked.get("roleName", KNOWN["role"]) != KNOWN["role"]:
        return refused("390189")
    answer = await server.login_request(request)
    warehouses[json.loads(answer.body)["data"]["token"]] = asked.get("warehouse")
    return answer


async def query(request):
    token = server.to_token(request)
    session, warehouse = server.sessions.get(token), warehouses.get(token)
    body = json.loads(await plain(request))
    sql = body["sqlText"]
    sql = sql.replace("current_warehouse()", f"'{warehouse}'" if warehouse == KNOWN["warehouse"] else "null")
    if session and not session.database_set:
        sql = sql.replace("current_database()", "null")
    if session and not session.schema_set:
        sql = sql.replace("current_schema()", "null")
    text = json.dumps({**body, "sqlText": sql}).encode()
    request._body = gzip.compress(text) if is_packed(request) else text
    answer = json.loads((await server.query_request(request)).body)
    data = answer["data"] or {}
    if packed := data.pop("rowsetBase64", None):
        table = pyarrow.ipc.open_stream(base64.b64decode(packed)).read_all()
        columns = [column.to_pylist() for column in table.columns]
        rows = [[None if cell is None else str(cell) for cell in row] for row in zip(*columns)]
        data |= {"rowset": rows, "returned": len(rows), "version": 1, "queryResultFormat": "json"}
    return JSONResponse(answer)


def is_packed(request):
    return request.headers.get("Content-Encoding") == "gzip"


async def plain(request):
    body = await request.body()
    return gzip.decompress(body) if is_packed(request) else body


routes = [
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Mount("/", server.app),
]
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
