"""Who may ask: keys, origins, lengths."""

from hashlib import sha256

import pytest

from arborank.serving import Deployment, Settings
from arborank.serving.keys import read_keys

BODY = {"text": "apple"}


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    lines = [
        ("shop", "open sesame", "rank"),
        ("editor", "s3cret", "rank,write"),
        ("prometheus", "graphs", "metrics"),
    ]
    path.write_text(
        "# who may ask\n\n"
        + "".join(f"{n} {sha256(key.encode()).hexdigest()} {scopes}\n" for n, key, scopes in lines)
    )
    return path


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def test_keys_open_what_they_are_for(serve, keys):
    ask = serve(keys=keys)
    for key, rank, write, metrics in [
        ("open sesame", 200, 403, 403),
        ("s3cret", 200, 409, 403),
        ("graphs", 403, 403, 200),
        ("other", 401, 401, 401),
    ]:
        assert ask("POST", "/v1/models/fruit/rank", json=BODY, headers=bearer(key)).status_code == rank
        reload = ask("DELETE", "/v1/models/fruit/labels?label=x", headers=bearer(key))
        assert reload.status_code == (422 if write == 409 else write)
        assert ask("GET", "/metrics", headers=bearer(key)).status_code == metrics
    nobody = ask("POST", "/v1/models/fruit/rank", json=BODY)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert ask("GET", "/healthz").status_code == 200
    assert (
        ask("POST", "/v1/models/fruit/rank", json=BODY, headers={"authorization": "open sesame"}).status_code
        == 401
    )
    assert ask("GET", "/openapi.json").json()["components"]["securitySchemes"]


@pytest.mark.parametrize(
    "line", ["shop abc rank", "shop", f"shop {'0' * 64} all", f"shop {'0' * 64} rank x", ""]
)
def test_files_of_keys_that_are_malformed(tmp_path, line):
    (tmp_path / "keys").write_text(line)
    with pytest.raises(ValueError, match="keys"):
        read_keys(tmp_path / "keys")


def test_pages_of_other_origins(serve):
    shop, other = {"origin": "https://shop.example"}, {"origin": "https://other.example"}
    ask = serve(cors=("https://shop.example",))
    asked = {
        **shop,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    allowed = ask("OPTIONS", "/v1/models/fruit/rank", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    answer = ask("POST", "/v1/models/fruit/rank", json=BODY, headers=shop)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert ask("POST", "/v1/models/fruit/rank", json=BODY, headers=other).status_code == 403
    assert "access-control-allow-origin" not in ask("GET", "/v1/models", headers=other).headers
    own = {"origin": "http://localhost"}
    assert serve()("POST", "/v1/models/fruit/rank", json=BODY, headers=own).status_code == 200


def test_bodies_are_json_and_say_so(serve):
    ask = serve()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = ask(
            "POST", "/v1/models/fruit/rank", content=b'{"text": "a"}', headers={"content-type": kind}
        )
        assert answer.status_code == 415
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    assert ask("POST", "/v1/models/fruit/rank", content=b"", headers=packed).status_code == 415
    more = {"content-type": "application/json; charset=utf-8"}
    assert ask("POST", "/v1/models/fruit/rank", content=b'{"text": "a"}', headers=more).status_code == 200


def test_long_bodies_are_refused_before_they_are_here(serve):
    ask = serve(max_body=1000)
    read = []

    async def chunks():
        for _ in range(1000):
            read.append(1)
            yield b" " * 100

    headers = {"content-type": "application/json"}
    told = ask("POST", "/v1/models/fruit/rank", content=b" " * 1001, headers=headers)
    streamed = ask("POST", "/v1/models/fruit/rank", content=chunks(), headers=headers)
    assert (told.status_code, streamed.status_code) == (413, 413)
    assert len(read) < 20
    assert told.headers["connection"] == "close"


def test_other_machines_need_keys(keys):
    for host in ("0.0.0.0", "192.168.1.1", "::", "example.org"):
        with pytest.raises(ValueError, match="keys"):
            Deployment(host=host).check_access(Settings())
        Deployment(host=host).check_access(Settings(keys=keys))
        Deployment(host=host, no_auth=True).check_access(Settings())
    for host in ("127.0.0.1", "::1", "localhost"):
        Deployment(host=host).check_access(Settings())
