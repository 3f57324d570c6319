"""The precedence of routes: API Gateway developer guide, "Develop routes for HTTP APIs"."""

from __future__ import annotations

import pytest

from framework.local.model import read
from framework.local.router import Router
from tests.support.plans import PlanBuilder

ROUTES = (
    "GET /pets",
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{kind}/{id}",
    "GET /pets/{proxy+}",
    "ANY /pets/dog/{id}",
    "ANY /{proxy+}",
    "POST /files/{folder}/{path+}",
    "GET /",
)


def router(*keys: str) -> Router:
    builder = PlanBuilder().function("f", "app.f")
    for key in keys:
        builder.route(key, "f")
    return Router(read(builder.plan()).routes)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/pets", "GET /pets", {}),
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/2", "GET /pets/{kind}/{id}", {"kind": "cat", "id": "2"}),
        ("GET", "/pets/cat", "GET /pets/{proxy+}", {"proxy": "cat"}),
        ("GET", "/pets/cat/2/x", "GET /pets/{proxy+}", {"proxy": "cat/2/x"}),
        ("PUT", "/pets/dog/1", "ANY /pets/dog/{id}", {"id": "1"}),
        ("POST", "/pets", "ANY /{proxy+}", {"proxy": "pets"}),
        ("GET", "/pets/", "GET /pets/{proxy+}", {"proxy": ""}),
        (
            "POST",
            "/files/a/b/c%20d",
            "POST /files/{folder}/{path+}",
            {"folder": "a", "path": "b/c d"},
        ),
        ("GET", "/", "GET /", {}),
        ("GET", "/pets/cat/a%2Fb", "GET /pets/{kind}/{id}", {"kind": "cat", "id": "a/b"}),
        ("GET", "/pets/cat/caf%C3%A9", "GET /pets/{kind}/{id}", {"kind": "cat", "id": "café"}),
    ],
)
def test_the_most_specific_route_takes_the_request(
    method: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    match = router(*ROUTES).match(method, path)

    assert match is not None
    assert (match.route.key, match.parameters) == (route, parameters)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_plan_does_not_matter(order: int) -> None:
    match = router(*ROUTES[::order]).match("GET", "/pets/dog/1")

    assert match is not None
    assert match.route.key == "GET /pets/dog/1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/notes"),
        ("GET", "/notes/"),
        ("GET", "/Notes"),
        ("GET", "/"),
        ("GET", "/notes/1/2"),
    ],
)
def test_what_no_route_takes_has_no_match(method: str, path: str) -> None:
    assert router("GET /notes", "GET /notes/{id}", "GET /files/{path+}").match(method, path) is None


@pytest.mark.parametrize(
    ("route", "path", "taken"),
    [
        ("GET /{path+}", "/", ""),
        ("GET /files/{path+}", "/files/", ""),
        ("GET /files/{path+}", "/files", None),
        ("GET /files/{path+}", "/", None),
        ("GET /{folder}/{path+}", "//x", None),
    ],
)
def test_a_greedy_part_takes_what_comes_after_its_slash(
    route: str, path: str, taken: str | None
) -> None:
    match = router(route).match("GET", path)

    assert (match.parameters["path"] if match else None) == taken


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("DELETE", "/notes/1/2")])
def test_the_default_route_takes_what_is_left(method: str, path: str) -> None:
    match = router("GET /notes", "$default").match(method, path)

    assert match is not None
    assert match.route.key == "$default"


@pytest.mark.parametrize("path", ["/pets/all", "/p%65ts/%61ll"], ids=["plain", "encoded"])
@pytest.mark.parametrize(
    ("keys", "method", "route"),
    [
        pytest.param(
            ("GET /pets/all", "ANY /pets/all"), "GET", "GET /pets/all", id="explicit before ANY"
        ),
        pytest.param(
            ("GET /pets/all", "ANY /pets/all"), "PUT", "ANY /pets/all", id="ANY for the others"
        ),
        pytest.param(
            ("ANY /pets/all", "GET /pets/{id}"), "GET", "ANY /pets/all", id="ANY before a variable"
        ),
        pytest.param(
            ("GET /pets/all", "ANY /pets/{id}", "$default"),
            "PUT",
            "ANY /pets/{id}",
            id="a variable where the method is another",
        ),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_route_without_variables_takes_its_path(
    keys: tuple[str, ...], method: str, route: str, path: str, order: int
) -> None:
    match = router(*keys[::order]).match(method, path)

    assert match is not None
    assert match.route.key == route


@pytest.mark.parametrize("path", ["/pets/all", "/p%65ts/%61ll"], ids=["plain", "encoded"])
def test_a_route_without_variables_has_no_parameters(path: str) -> None:
    match = router("GET /pets/all", "GET /pets/{id}").match("GET", path)

    assert match is not None
    assert match.parameters == {}


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        pytest.param("/{id}", "GET /{id}", {"id": "{id}"}, id="braces are no literal"),
        pytest.param("/100%25", "GET /{id}", {"id": "100%"}, id="literals are compared decoded"),
        pytest.param("/100%2525", "GET /100%25", {}, id="a literal that is encoded itself"),
    ],
)
def test_a_path_that_reads_like_a_route_key_is_decoded_first(
    path: str, route: str, parameters: dict[str, str]
) -> None:
    match = router("GET /{id}", "GET /100%25").match("GET", path)

    assert match is not None
    assert (match.route.key, match.parameters) == (route, parameters)
