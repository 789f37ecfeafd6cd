"""A small server with the HTTP interface of the Hugging Face Hub, as far as uploads and downloads of models go."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit


class Hub:
    """Repositories in memory: every commit is all files by path; branches name commits."""

    def __init__(self):
        self.repos = {}  # name: {"commits": {id: {path: bytes}}, "branches": {name: id}}
        self.blobs = {}
        self.requests = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def create(self, name):
        empty = hashlib.sha1(name.encode()).hexdigest()
        self.repos.setdefault(name, {"commits": {empty: {}}, "branches": {"main": empty}})

    def files(self, name, revision="main"):
        repo = self.repos[name]
        commit = repo["branches"].get(revision, revision)
        return commit, repo["commits"].get(commit)

    def commit(self, name, branch, lines):
        repo = self.repos[name]
        files = dict(self.files(name, branch)[1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        told = json.dumps(
            {path: hashlib.sha1(content).hexdigest() for path, content in sorted(files.items())}
        )
        commit = hashlib.sha1(f"{len(repo['commits'])}{told}".encode()).hexdigest()
        repo["commits"][commit] = files
        repo["branches"][branch] = commit
        return commit


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer("GET")

    def do_HEAD(self):
        self.answer("HEAD")

    def do_POST(self):
        self.answer("POST")

    def do_PUT(self):
        self.answer("PUT")

    def answer(self, method):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((method, path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for verb, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method.replace("HEAD", "GET"):
                return getattr(self, name)(body, *found.groups())
        return self.send(404, {"error": f"no route for {method} {path}"})

    def send(self, status, content, **headers):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def create(self, body):
        told = json.loads(body)
        name = f"{told.get('organization') or 'me'}/{told['name']}"
        self.hub.create(name)
        self.send(200, {"url": f"{self.hub.url}/{name}", "id": name, "name": name})

    def yaml(self, body):
        self.send(200, {"errors": [], "warnings": []})

    def preupload(self, body, name, revision):
        files = [
            {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith(".safetensors") else "regular"}
            for one in json.loads(body)["files"]
        ]
        self.send(200, {"files": [one | {"shouldIgnore": False, "oid": None} for one in files]})

    def batch(self, body, name):
        objects = [
            one | {"actions": {"upload": {"href": f"{self.hub.url}/blobs/{one['oid']}"}}}
            for one in json.loads(body)["objects"]
        ]
        self.send(200, {"transfer": "basic", "objects": objects}, Content_Type="application/vnd.git-lfs+json")

    def blob(self, body, oid):
        self.hub.blobs[hashlib.sha256(body).hexdigest()] = body
        self.send(200, {})

    def commit(self, body, name, branch):
        lines = [json.loads(line) for line in body.decode().splitlines() if line]
        commit = self.hub.commit(name, branch, lines)
        self.send(
            200, {"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{name}/commit/{commit}"}
        )

    def known(self, name, revision):
        if name not in self.hub.repos:
            self.send(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return None
        commit, files = self.hub.files(name, revision)
        if files is None:
            self.send(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return commit, files

    def info(self, body, name, revision="main"):
        found = self.known(name, revision)
        if found:
            commit, files = found
            siblings = [{"rfilename": path} for path in files]
            self.send(
                200,
                {
                    "id": name,
                    "modelId": name,
                    "sha": commit,
                    "siblings": siblings,
                    "private": False,
                    "tags": [],
                },
            )

    def tree(self, body, name, revision):
        found = self.known(name, revision)
        if found:
            entries = [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in found[1].items()
            ]
            self.send(200, entries)

    def resolve(self, body, name, revision, path):
        found = self.known(name, revision)
        if not found:
            return None
        commit, files = found
        if path not in files:
            return self.send(
                404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", X_Repo_Commit=commit
            )
        etag = hashlib.sha256(files[path]).hexdigest()
        return self.send(200, files[path], ETag=f'"{etag}"', X_Repo_Commit=commit)


_NAME = r"([\w.-]+/[\w.-]+)"
_ROUTES = [
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "yaml"),
    ("POST", f"/api/models/{_NAME}/preupload/([^/]+)", "preupload"),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", "/blobs/(.+)", "blob"),
    ("POST", f"/api/models/{_NAME}/commit/([^/]+)", "commit"),
    ("GET", f"/api/models/{_NAME}/revision/([^/]+)", "info"),
    ("GET", f"/api/models/{_NAME}/tree/([^/]+)", "tree"),
    ("GET", f"/api/models/{_NAME}", "info"),
    ("GET", f"/{_NAME}/resolve/([^/]+)/(.+)", "resolve"),
]
