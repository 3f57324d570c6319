"""The page and its data over real HTTP: what is told, what is sent, what never leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from framework.local.console import console, history
from framework.local.console.assets import asset
from framework.local.invoke import by_running, request_of
from framework.local.running_file import RunningService
from tests.support.console import PageData
from tests.support.local import wait_until
from tests.support.projects import ROOT
from tests.support.running import Running, run

TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    defaults:
      routes: {auth: none}
    functions:
      echo: {handler: app.echo}
      fail: {handler: app.fail}
      read:
        handler: app.read
      busy: {handler: app.echo, concurrency: 0}
      tell: {handler: app.tell}
      binary: {handler: app.binary}
    routes:
      ANY /echo: {function: echo}
      GET /fail: {function: fail}
      GET /read: {function: read}
      GET /tell: {function: tell}
      GET /binary: {function: binary}
      PUT /signed: {function: echo, auth: iam}
    buckets: {notes: {}}
"""
HANDLERS = """
    import json
    import os

    def echo(event, context):
        print("hello from", event.get("rawPath", "an invocation"))
        return event

    def fail(event, context):
        raise ValueError("no")

    def read(event, context):
        import boto3
        boto3.client("s3").get_object(Bucket="notes-local-notes-000000000000-eu-west-1", Key="x")

    def tell(event, context):
        print(os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"])
        return {"statusCode": 200, "body": os.environ["AWS_ACCESS_KEY_ID"]}

    def binary(event, context):
        return {"statusCode": 200, "body": "/wD/", "isBase64Encoded": True}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("console"), TEXT, HANDLERS, console=True) as running:
        yield running


@pytest.fixture(scope="module")
def page(up: Running) -> PageData:
    return PageData.of(up.client)


# What the page is made of.


def test_the_page_and_its_files_lie_beside_the_code(up: Running) -> None:
    answer = up.client.get("/_services")
    files = ["page.css", "page.js", "api.js", "icon.svg"]
    types = [up.client.get(f"/_services/{name}").headers["content-type"] for name in files]

    assert (answer.status_code, answer.text.count("{{")) == (200, 0)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert types == [
        "text/css; charset=utf-8",
        "text/javascript; charset=utf-8",
        "text/javascript; charset=utf-8",
        "image/svg+xml",
    ]
    assert up.client.get("/_services/").text == answer.text
    assert up.client.head("/_services").headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("name", [f"{'a' * 300}.js", "..js", "page.html", "none.js"])
def test_what_is_none_of_its_files_is_no_mistake_of_ours(page: PageData, name: str) -> None:
    answer = page.get(name)

    assert (answer.status_code, answer.json()) == (
        404, {"message": "there is nothing of that name"},
    )  # fmt: skip
    assert asset(name) is None


@pytest.mark.parametrize("path", ["", "/page.js", "/service", "/nothing"])
def test_every_answer_forbids_what_the_page_does_not_need(up: Running, path: str) -> None:
    headers = up.client.get(f"/_services{path}").headers

    assert {name: headers[name] for name in headers if name in dict(console._HEADERS)} == {
        "cache-control": "no-store",
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
            " require-trusted-types-for 'script'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def test_nothing_of_the_page_lies_elsewhere_or_is_parsed_from_data() -> None:
    files = list(Path(console.__file__).with_name("assets").iterdir())
    texts = {file.name: file.read_text("utf-8") for file in files}

    assert "page.js" in texts
    for name, text in texts.items():
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, name
        foreign = [part for part in text.split("://")[1:] if not part.startswith("www.w3.org/")]
        assert not foreign or name in ("page.js",), name


def test_the_start_imports_none_of_it_but_the_history() -> None:
    program = (
        "import sys, framework.local.service, framework.local.console.history;"
        "print(*sorted(n for n in sys.modules if n.startswith('framework.local.console.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [
        "framework.local.console.history",
        "framework.local.console.mount",
    ]


# Who is refused.


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        (
            "GET", "", {"host": "attacker.example"}, 403,
            "refused: Host is 'attacker.example', not localhost or 127.0.0.1 with port {port}",
        ),
        (
            "GET", "/page.js", {"origin": "https://attacker.example"}, 403,
            "refused: Origin is 'https://attacker.example', not the page's own",
        ),
        (
            "GET", "/service", {"sec-fetch-site": "same-site"}, 403,
            "refused: it comes from elsewhere (Sec-Fetch-Site: same-site):"
            " type the page's address",
        ),
        (
            "GET", "", {"sec-fetch-dest": "empty"}, 403,
            "refused: the page is opened in a window of its own, not fetched by a script",
        ),
        (
            "GET", "/service", {}, 403,
            "refused: the token is not that of this start: load the page again",
        ),
        (
            "GET", "/events", {"x-services-token": "of-another-start"}, 403,
            "refused: the token is not that of this start: load the page again",
        ),
        (
            "POST", "/requests", {"content-type": "text/plain"}, 403,
            "refused: content-type is not application/json",
        ),
        (
            "POST", "/requests", {"content-type": "application/json"}, 403,
            "refused: the token is not that of this start: load the page again",
        ),
        ("OPTIONS", "/requests", {}, 405, "OPTIONS is not for this page"),
        ("DELETE", "", {}, 405, "DELETE is not for this page"),
    ],
)  # fmt: skip
def test_refusals(
    up: Running, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    answer = up.client.request(method, f"/_services{path}", headers=headers)

    port = str(up.client.base_url.port)
    said = {"message": message.replace("{port}", port)}
    assert (answer.status_code, answer.json()) == (status, said)
    assert answer.headers.get("allow") == ("GET, HEAD, POST" if status == 405 else None)


@pytest.mark.parametrize(
    "path",
    ["nothing", "calls/x", "calls/999999", "calls/-1", "calls/99999999999999999999", "../page.html",
     "page.html", "assets.py"],
)  # fmt: skip
def test_what_is_not_there_is_404(page: PageData, path: str) -> None:
    assert page.get(path.replace("..", "%2e%2e")).status_code == 404


def test_there_are_two_forms_and_no_third(page: PageData) -> None:
    answer = page.post("elsewhere", {})

    assert (answer.status_code, answer.json()["message"]) == (404, "there is nothing of that name")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("requests", [], "the body is no object"),
        ("requests", {"method": "GET", "path": "echo"}, "the path begins with /"),
        ("invocations", {"function": "functions.echo"}, "function and event are text"),
        (
            "invocations",
            {"function": "functions.nobody", "event": "{}"},
            "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:functions.nobody",
        ),
        (
            "invocations",
            {"function": "functions.echo", "event": "{"},
            "Could not parse request body into json: Expecting property name enclosed in double"
            " quotes: line 1 column 2 (char 1)",
        ),
    ],
)
def test_a_form_that_cannot_be_sent_is_told_why(
    page: PageData, name: str, content: object, message: str
) -> None:
    answer = page.post(name, content)

    assert (answer.status_code, answer.json()) == (400, {"message": message})


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff"])
def test_a_form_that_is_no_json_is_told_so(page: PageData, body: bytes) -> None:
    headers = {"x-services-token": page.token, "content-type": "application/json"}
    answer = page.client.post("/_services/requests", content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (400, {"message": "the body is not JSON"})


# What is told.


def test_the_service_is_described(up: Running, page: PageData) -> None:
    service = page.read("service")

    assert (service["name"], service["region"]) == ("notes-local", "eu-west-1")
    assert (service["address"], service["others"]) == (up.service.url, [])
    assert [function["entry"] for function in service["functions"]][:2] == [
        "functions.echo",
        "functions.fail",
    ]


def test_a_request_shows_with_event_response_and_log(up: Running, page: PageData) -> None:
    answer = up.client.post("/echo?a=1", json={"text": "ä"})
    call = page.last()

    assert (call["method"], call["path"], call["function"]) == (
        "POST",
        "/echo?a=1",
        "functions.echo",
    )
    assert (call["status"], call["route"], call["failed"]) == (200, "ANY /echo", False)
    event = json.loads(call["event"]["text"])
    assert json.loads(event["body"]) == {"text": "ä"}
    assert json.loads(call["result"]["text"]) == event == answer.json()
    start, printed, end, report = call["log"]
    assert printed == "hello from /echo"
    assert start == f"START RequestId: {call['invocation']} Version: $LATEST"
    assert (end[:3], report[:6]) == ("END", "REPORT")
    assert ["apigw-requestid", answer.headers["apigw-requestid"]] in call["headers"]
    assert call["request"]["body"] == '{"text":"ä"}'


def test_a_request_that_no_route_takes_shows_too(up: Running, page: PageData) -> None:
    up.client.get("/nothing", headers={"x-own": "1"})
    call = page.last()

    assert (call["status"], call["event"], call["log"], call["function"]) == (404, None, [], "")
    assert "x-own: 1" in call["request"]["headers"].splitlines()


def test_an_answer_that_is_no_text_shows_its_size(up: Running, page: PageData) -> None:
    assert up.client.get("/binary").content == b"\xff\x00\xff"

    assert page.last()["result"] == {"text": "", "kind": "binary", "size": 3, "cut": False}


def test_an_exception_is_a_problem_of_its_request(up: Running, page: PageData) -> None:
    assert up.client.get("/fail").status_code == 500
    call = page.last()

    (note,) = call["notes"]
    assert (note["kind"], note["call"]) == ("problem", call["number"])
    assert note["lines"][0] == "functions.fail: ValueError: no"
    assert note["lines"][-1] == 'functions.fail |     raise ValueError("no")'
    assert (call["failed"], page.notes()[-1]) == (True, note)


def test_a_denied_call_is_a_note_with_what_would_help(up: Running, page: PageData) -> None:
    assert up.client.get("/read").status_code == 500
    call = page.last()

    denied = call["notes"][0]
    name = "notes-local-notes-000000000000-eu-west-1"
    assert (denied["kind"], denied["lines"]) == (
        "denied",
        [
            f"functions.read may not s3:GetObject on arn:aws:s3:::{name}/x:"
            " add  uses: {buckets.notes: [read]}"
        ],
    )
    assert denied in page.notes()


def test_an_invocation_through_lambdas_api_shows(up: Running, page: PageData) -> None:
    developer = up.service.grounds.developer
    gates = {"eu-west-1": up.service.gate_url}
    running = RunningService(gates, developer.access_key, developer.secret_key)
    answer = by_running(running, request_of("echo", b'{"a": 1}'))
    call = page.last()

    assert answer is not None
    assert (call["method"], call["function"], call["status"]) == ("", "functions.echo", None)
    assert json.loads(call["event"]["text"]) == json.loads(call["result"]["text"]) == {"a": 1}
    assert call["log"][1] == "hello from an invocation"
    assert call["milliseconds"] > 0


def test_an_invocation_that_nobody_waits_for_shows(up: Running, page: PageData) -> None:
    developer = up.service.grounds.developer
    gates = {"eu-west-1": up.service.gate_url}
    running = RunningService(gates, developer.access_key, developer.secret_key)
    asked = request_of("fail", b"{}")
    request = type(asked)(
        asked.method, asked.path, headers=(("x-amz-invocation-type", "Event"),), body=b"{}"
    )
    before = len(page.calls())
    assert by_running(running, request)
    wait_until(lambda: len(page.calls()) > before)
    call = page.last()

    assert (call["function"], call["failed"]) == ("functions.fail", True)
    assert call["notes"][0]["lines"][0] == "functions.fail: ValueError: no"


def test_news_come_as_they_happen(up: Running, page: PageData) -> None:
    seen = page.read("events?after=0")["now"]
    news: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: news.append(page.get(f"events?after={seen}")))
    waiting.start()
    wait_until(lambda: bool(up.service.history and up.service.history._waiting))
    assert not news

    up.client.get("/nothing")
    waiting.join(20)

    document = news[0].json()
    assert [call["path"] for call in document["calls"]] == ["/nothing"]
    assert document["now"] > seen
    assert document["oldest"] >= 1


def test_a_new_page_is_answered_though_nothing_has_happened(tmp_path: Path) -> None:
    with run(tmp_path, TEXT, HANDLERS, console=True) as running:
        first = PageData.of(running.client).get("events?after=0", timeout=5)

    assert first.json() == {"now": 1, "reading": 0, "oldest": 1, "calls": [], "notes": []}


def test_no_news_is_an_empty_answer(page: PageData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "WAIT_SECONDS", 0.01)
    seen = page.read("events?after=0")["now"]

    document = page.read(f"events?after={seen}")

    assert (document["calls"], document["notes"], document["now"]) == ([], [], seen)


# What is sent.


def test_a_request_from_the_form_goes_through_the_api(page: PageData) -> None:
    form = {
        "method": "PUT",
        "path": "/echo?b=2",
        "headers": "content-type: application/json\nx-own: yes",
        "body": '{"text": "hello"}',
    }
    call = page.post("requests", form).json()

    event = json.loads(call["event"]["text"])
    assert (call["status"], event["queryStringParameters"]) == (200, {"b": "2"})
    assert (event["headers"]["x-own"], event["body"]) == ("yes", '{"text": "hello"}')
    assert event["requestContext"]["http"]["userAgent"] == "services-local-page"
    assert call["log"][1] == "hello from /echo"
    assert page.last()["number"] == call["number"]


@pytest.mark.parametrize(("sign", "status"), [(True, 200), (False, 403)])
def test_a_request_is_signed_here_and_the_key_stays_here(
    up: Running, page: PageData, sign: bool, status: int
) -> None:
    form = {"method": "PUT", "path": "/signed?x=1", "body": "{}", "sign": sign}
    answer = page.post("requests", form)
    call = answer.json()

    developer = up.service.grounds.developer
    assert call["status"] == status
    assert developer.access_key not in answer.text
    if sign:
        event = json.loads(call["event"]["text"])
        assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "(left out)"
        assert event["requestContext"]["authorizer"]["iam"]["userId"] == "developer"
        assert call["request"]["signed"] is True
        assert call["request"]["headers"].splitlines() == [
            "user-agent: services-local-page",
            "accept: */*",
        ]


def test_a_function_is_invoked_with_an_event_of_ones_own(page: PageData) -> None:
    call = page.post("invocations", {"function": "functions.echo", "event": '{"n": 1}'}).json()

    assert (call["failed"], call["result"]["text"]) == (False, '{\n  "n": 1\n}')
    assert call["log"][1] == "hello from an invocation"


def test_a_function_that_fails_says_so(page: PageData) -> None:
    call = page.post("invocations", {"function": "functions.fail", "event": "{}"}).json()

    assert call["failed"] is True
    assert json.loads(call["result"]["text"])["errorMessage"] == "no"


def test_a_function_that_may_not_run_now_is_told(page: PageData) -> None:
    answer = page.post("invocations", {"function": "functions.busy", "event": "{}"})
    call = page.last()

    assert (answer.status_code, answer.json()) == (400, {"message": "Rate Exceeded."})
    assert (call["failed"], call["ended"], call["result"]["size"]) == (True, True, 0)


def test_credentials_that_a_handler_prints_are_blotted_out(up: Running, page: PageData) -> None:
    answer = up.client.get("/tell")
    call = page.last()
    found = page.get(f"calls/{call['number']}").text

    own = up.service.grounds.of_function("functions.tell")
    assert answer.text == own.access_key
    assert call["result"]["text"] == "(left out)"
    assert call["log"][1] == "(left out) (left out)"
    for secret in (own.access_key, own.secret_key, own.session_token):
        assert secret not in found


# Where it is, and until when.


def test_without_it_the_path_is_the_apis(tmp_path: Path) -> None:
    with run(tmp_path, TEXT, HANDLERS) as running:
        answer = running.client.get("/_services")

    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_routes_of_the_service_itself_win(tmp_path: Path) -> None:
    text = TEXT.replace("ANY /echo", "GET /_services/echo")
    with run(tmp_path, text, HANDLERS, console=True) as running:
        assert running.client.get("/_services/echo").json()["rawPath"] == "/_services/echo"
        assert running.client.get("/_services").json() == {"message": "Not Found"}
        line = running.lines.wait_for("no page")
    assert line == "  no page to look at: its place is taken by routes.GET /_services/echo"


def test_a_changed_services_yaml_is_another_reading(tmp_path: Path) -> None:
    with run(tmp_path, TEXT, HANDLERS, console=True) as running:
        page = PageData.of(running.client)
        before = page.read("service")
        running.write(TEXT.replace("ANY /echo", "ANY /again"))
        assert page.post("requests", {"method": "GET", "path": "/again"}).json()["status"] == 200
        after = page.read("service")

        assert (before["reading"], after["reading"]) == (0, 1)
        assert (before["routes"][0]["key"], after["routes"][0]["key"]) == (
            "ANY /echo",
            "ANY /again",
        )
        assert page.notes()[0]["lines"] == [
            "services.yaml has changed:",
            "  new routes.ANY /again",
            "  gone routes.ANY /echo",
        ]


def test_each_region_shows_itself(tmp_path: Path) -> None:
    text = TEXT.replace("[eu-west-1]", "[eu-west-1, us-east-1]")
    with run(tmp_path, text, HANDLERS, console=True) as running:
        first, second = running.service.urls.values()
        with httpx.Client(base_url=second, timeout=30, trust_env=False) as client:
            home, other = PageData.of(running.client), PageData.of(client)
            other.client.get("/echo")
            home.client.get("/nothing")
            service = other.read("service")

            assert (service["region"], service["address"]) == ("us-east-1", second)
            assert service["others"] == [{"region": "eu-west-1", "address": first}]
            assert service["functions"][0]["entry"] == "functions.echo"
            assert [call["path"] for call in other.calls()] == ["/echo"]
            assert [call["function"] for call in other.calls()] == ["functions.echo"]
            assert [call["path"] for call in home.calls()] == ["/nothing"]
            invoked = other.post("invocations", {"function": "functions.echo", "event": "{}"})
            assert invoked.json()["result"]["text"] == "{}"


def test_the_end_answers_pages_that_wait(tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with httpx.Client(timeout=30, trust_env=False) as client:
        with run(tmp_path, TEXT, HANDLERS, console=True) as running:
            client.base_url = httpx.URL(running.service.url)
            page = PageData.of(client)
            kept = running.service.history
            now = page.read("events?after=0")["now"]
            waiting = threading.Thread(
                target=lambda: answers.append(page.get(f"events?after={now}"))
            )
            waiting.start()
            wait_until(lambda: bool(kept and kept._waiting))
        waiting.join()

    # An answer of its own: whoever is still waiting two seconds later is cut off.
    assert (answers[0].status_code, answers[0].json()["calls"]) == (200, [])


def test_few_pages_wait_at_once(
    up: Running, page: PageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_WAITING", 2)
    now = page.read("events?after=0")["now"]
    answers: list[httpx.Response] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(page.get(f"events?after={now}")))
        for _ in range(3)
    ]
    for thread in waiting:
        thread.start()
    wait_until(lambda: len(answers) == 1)
    up.client.get("/nothing")
    for thread in waiting:
        thread.join()

    assert sorted(len(answer.json()["calls"]) for answer in answers) == [0, 1, 1]
