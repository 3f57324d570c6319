"""The page in a real browser: what it shows, what it does, how it looks, what it refuses."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from framework.commands.local import Project
from framework.local.events import Feed
from framework.local.service import Settings, running
from tests.support import browser as browsers
from tests.support.browser import different_rows, overlaps, texts_with_little_contrast
from tests.support.local import write_handlers
from tests.support.running import Running, run, write_services

pytestmark = pytest.mark.skipif(browsers.EXECUTABLE is None, reason=browsers.MISSING)

TEXT = """
    service: notes
    alarms: {enabled: false, reason: a test}
    functions:
      list-notes:
        handler: app.list_notes
        uses:
          buckets.notes: [list]
          parameters.page-title: read
      read-note:
        handler: app.read_note
        uses:
          buckets.notes: {verbs: [list], prefix: drafts/}
      echo: {handler: app.echo}
      evil: {handler: app.evil}
    routes:
      GET /notes: {function: list-notes, auth: none}
      GET /notes/{id}: {function: read-note, auth: none}
      POST /echo: {function: echo, auth: none}
      PUT /signed: {function: echo, auth: iam}
      GET /members: {function: echo, auth: jwt.main, scopes: [notes:read]}
      ANY /evil/{path+}: {function: evil, auth: none}
    buckets: {notes: {}}
    parameters:
      page-title: {secret: false, value: a value that is shown nowhere}
    api:
      authorizers: {main: {issuer: "https://login.example.com/", audience: [notes]}}
"""
HANDLERS = """
    import os

    def list_notes(event, context):
        print("looking for notes")
        return {"notes": ["first"], "page": event["queryStringParameters"]["page"]}

    def read_note(event, context):
        import boto3
        return boto3.client("s3").get_object(Bucket=os.environ["NOTES_BUCKET"], Key="x")

    def echo(event, context):
        return {"statusCode": 201, "body": event.get("body", "no body")}

    EVIL = "<img src=x onerror='window.hurt = 1'><script>window.hurt = 1</script>"

    def evil(event, context):
        print(EVIL)
        headers = {"content-type": "text/html", "x-evil": EVIL}
        return {"statusCode": 200, "headers": headers, "body": EVIL}
"""
IMG = "<img src=x onerror='window.hurt = 1'>"
KEY = "notes-local-notes-000000000000-us-east-1"


@dataclass
class Seen:
    """A page in a browser, and what the browser complained of or asked elsewhere."""

    page: Page
    running: Running
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Listen from now on."""
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("page"), TEXT, HANDLERS, console=True) as up:
        yield up


def open_page(browser: Browser, up: Running, width: int = 1280, scheme: str = "light") -> Seen:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    seen = Seen(page, up)
    seen.listen()
    page.goto(f"{up.service.url}/_services")
    expect(page.locator(".card").first).to_be_visible()
    return seen


@pytest.fixture
def seen(browser: Browser, up: Running) -> Iterator[Seen]:
    """The page, and at the end a look at what it complained of."""
    seen = open_page(browser, up)
    yield seen
    elsewhere = [url for url in seen.asked if not url.startswith(f"{up.service.url}/_services")]
    seen.page.context.close()
    assert (seen.complaints, elsewhere) == ([], [])


@pytest.fixture
def page(seen: Seen) -> Page:
    return seen.page


def row(page: Page, words: str) -> str:
    """The selector of the newest line of the list with these words."""
    expect(page.locator(".calls summary", has_text=words).first).to_be_visible()
    return f".calls li:has(summary:has-text({json.dumps(words)})) >> nth=0"


def test_the_page_says_what_runs_and_asks_nobody_else(seen: Seen, up: Running) -> None:
    page = seen.page

    expect(page).to_have_title("notes-local · local")
    expect(page.get_by_role("heading", level=1)).to_have_text("notes-local")
    expect(page.locator("#place")).to_have_text(f"us-east-1 on {up.service.url}")
    expect(page.locator("#state")).to_have_text("live")
    files = {url.rpartition("/")[2] for url in seen.asked}
    assert {"page.css", "page.js", "diagram.js", "service"} <= files


def test_the_diagram_shows_who_may_do_what(page: Page) -> None:
    routes, functions, stores = (page.locator(".column").nth(number) for number in range(3))

    expect(routes.locator(".title")).to_have_text(
        [
            "GET /notes",
            "GET /notes/{id}",
            "POST /echo",
            "PUT /signed",
            "GET /members",
            "ANY /evil/{path+}",
        ]
    )
    expect(routes.locator(".tag")).to_have_text(
        [
            *["open to everybody"] * 3,
            "signed (iam)",
            "jwt.main notes:read",
            "open to everybody",
        ]
    )
    expect(routes.locator(".goes").first).to_have_text("runs list-notes")
    expect(functions.locator(".card").nth(0).locator(".uses li")).to_have_text(
        ["buckets.notes list", "parameters.page-title read"]
    )
    expect(functions.locator(".card").nth(1).locator(".uses li")).to_have_text(
        ["buckets.notes drafts/… list"]
    )
    expect(stores.locator(".card").nth(0).locator(".uses li")).to_have_text(
        ["list-notes list", "read-note drafts/… list"]
    )
    expect(stores.locator(".card").nth(1)).to_contain_text("String · /notes/local/page-title")
    assert "a value that is shown nowhere" not in page.content()


def test_every_pair_is_joined_by_a_line_between_its_cards(page: Page) -> None:
    lines = page.locator(".diagram path")
    expect(lines).to_have_count(6 + 3)

    box = page.locator(".diagram").bounding_box()
    routes = page.locator(".route").first.bounding_box()
    functions = page.locator(".function").first.bounding_box()
    assert box
    assert routes
    assert functions
    found = re.match(
        r"M([\d.]+) ([\d.]+) C.* ([\d.]+) ([\d.]+)$", lines.first.get_attribute("d") or ""
    )
    assert found
    x1, y1, x2, y2 = map(float, found.groups())
    assert x1 == pytest.approx(routes["x"] + routes["width"] - box["x"], abs=1)
    assert x2 == pytest.approx(functions["x"] - box["x"], abs=1)
    assert routes["y"] < y1 + box["y"] < routes["y"] + routes["height"]
    assert functions["y"] < y2 + box["y"] < functions["y"] + functions["height"]


def test_looking_at_a_card_lights_what_it_is_joined_to(page: Page) -> None:
    page.get_by_role("button", name="read-note", exact=True).focus()

    expect(page.locator(".card.lit .title")).to_have_text(
        ["GET /notes/{id}", "read-note", "buckets.notes"]
    )
    page.get_by_label("parameters.page-title").focus()
    expect(page.locator(".card.lit .title")).to_have_text(
        ["GET /notes", "list-notes", "parameters.page-title"]
    )


def test_a_request_appears_by_itself_and_opens(page: Page, up: Running) -> None:
    up.client.get("/notes?page=7")
    item = page.locator(row(page, "/notes?page=7"))

    expect(item.locator(".status")).to_have_text("200")
    expect(item.locator(".by")).to_have_text("list-notes")
    item.locator("summary").click()
    expect(item.get_by_role("region", name="Event")).to_contain_text('"rawQueryString": "page=7"')
    expect(item.get_by_role("region", name="Body of the response")).to_contain_text('"first"')
    expect(item.get_by_role("region", name="Headers of the response")).to_contain_text(
        "content-type: application/json"
    )
    expect(item.get_by_role("region", name="Log")).to_contain_text("looking for notes")
    expect(item.get_by_role("region", name="Log")).to_contain_text("REPORT RequestId: ")


def test_new_requests_are_told_to_who_listens(page: Page, up: Running) -> None:
    up.client.get("/nowhere/to/be/found")

    expect(page.locator("#said")).to_have_text("GET /nowhere/to/be/found 404")
    expect(page.locator("#said")).to_have_attribute("aria-live", "polite")


def test_a_denied_call_appears_with_what_would_help(page: Page, up: Running) -> None:
    up.client.get("/notes/x")
    note = page.locator(".note[data-kind=denied]").first

    expect(note).to_contain_text(
        f"functions.read-note may not s3:GetObject on arn:aws:s3:::{KEY}/x"
    )
    expect(note.locator(".advice")).to_have_text("add  uses: {buckets.notes: [read]}")
    expect(page.locator("#notes-count")).not_to_have_text("0")
    note.get_by_role("button", name="show the request").click()
    opened = page.locator(".calls details[open]")
    expect(opened.locator(".path")).to_have_text("/notes/x")
    expect(opened.locator(".callout[data-kind=denied]")).to_contain_text("add  uses")
    expect(opened.locator(".callout[data-kind=problem] pre")).to_contain_text("in read_note")


def test_the_list_can_be_filtered(page: Page, up: Running) -> None:
    up.client.get("/filtered/one")
    up.client.get("/filtered/two")
    row(page, "/filtered/two")
    page.get_by_label("Show only requests with").fill("filtered/one")

    expect(page.locator(".calls > li:visible .path")).to_have_text(["/filtered/one"])


def test_a_request_is_sent_from_the_form(page: Page) -> None:
    page.get_by_role("button", name="POST /echo").click()
    expect(page.get_by_label("Path", exact=True)).to_have_value("/echo")
    expect(page.get_by_label("Headers name: value")).to_have_value("content-type: application/json")
    page.get_by_label("Body", exact=True).fill('{"sent": "from the page"}')
    page.get_by_role("button", name="Send", exact=True).click()

    result = page.locator("#send-result")
    expect(result.locator(".status")).to_have_text("201")
    expect(result.get_by_role("region", name="Answer")).to_contain_text('"from the page"')
    result.get_by_role("button", name="show all of it").click()
    expect(page.locator(".calls details[open] .path")).to_have_text("/echo")


@pytest.mark.parametrize(("sign", "status"), [(True, "201"), (False, "403")])
def test_a_route_with_auth_iam_is_signed_on_request(page: Page, sign: bool, status: str) -> None:
    page.get_by_label("Route").select_option("PUT /signed")
    box = page.get_by_label("Sign as the developer")
    expect(box).to_be_checked()
    box.set_checked(sign)
    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.locator("#send-result .status")).to_have_text(status)


def test_what_cannot_be_sent_is_told(browser: Browser, up: Running) -> None:
    seen = open_page(browser, up)
    seen.page.get_by_label("Headers name: value").fill("no header")
    seen.page.get_by_role("button", name="Send", exact=True).click()

    said = seen.page.locator("#send-result")
    expect(said).to_have_text("a header is  name: value, not 'no header'")
    assert len(seen.complaints) == 1
    seen.page.context.close()


def test_a_request_is_sent_again(page: Page, up: Running) -> None:
    up.client.post("/echo?first", content=b"first words", headers={"content-type": "text/plain"})
    item = page.locator(row(page, "/echo?first"))
    item.locator("summary").click()
    item.get_by_role("button", name="Send again").click()

    expect(page.get_by_label("Body", exact=True)).to_have_value("first words")
    expect(page.get_by_label("Headers name: value")).to_have_value(
        re.compile("content-type: text/plain")
    )
    page.get_by_label("Body", exact=True).fill("other words")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#send-result pre")).to_have_text("other words")


def test_a_function_is_invoked_again_with_an_edited_event(page: Page, up: Running) -> None:
    up.client.get("/notes?page=old")
    item = page.locator(row(page, "/notes?page=old"))
    item.locator("summary").click()
    item.get_by_role("button", name="Invoke with this event").click()
    event = page.locator("#invoke-event")
    expect(page.locator("#invoke-function")).to_have_value("functions.list-notes")
    event.fill(event.input_value().replace('"page": "old"', '"page": "edited"'))
    page.get_by_role("button", name="Invoke", exact=True).click()

    result = page.locator("#invoke-result")
    expect(result.locator(".status")).to_have_text("done")
    expect(result.get_by_role("region", name="Answer")).to_contain_text('"page": "edited"')
    expect(result.get_by_role("region", name="Log")).to_contain_text("looking for notes")
    expect(page.locator(row(page, "invoke list-notes"))).to_be_visible()


def test_an_invocation_that_fails_says_so(page: Page) -> None:
    page.get_by_role("button", name="list-notes", exact=True).click()
    page.locator("#invoke-event").fill("{}")
    page.get_by_role("button", name="Invoke", exact=True).click()

    expect(page.locator("#invoke-result .status")).to_have_text("failed")
    expect(page.locator("#invoke-result pre").first).to_contain_text('"errorType": "KeyError"')


def test_the_keyboard_is_enough(page: Page, up: Running) -> None:
    up.client.get("/notes?page=keys")
    row(page, "/notes?page=keys")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the requests")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.press("Tab")
    first = page.locator(".calls summary").first
    expect(first).to_be_focused()
    outline = first.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".calls details[open] pre").first).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Invoke with this event")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#invoke-event")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#invoke-result .status")).to_have_text("done")
    page.locator("#invoke-tab").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#send-tab")).to_be_focused()
    expect(page.locator("#send")).to_be_visible()


def test_what_handlers_and_callers_say_is_text(page: Page, up: Running) -> None:
    path = f"/evil/{IMG}"
    up.client.post(path, content=IMG, headers={"content-type": "text/plain", "x-in": IMG})
    up.client.get(f"/none?{IMG}")
    item = page.locator(row(page, "/evil/"))
    item.locator("summary").click()

    for name in ("Event", "Headers of the response", "Body of the response", "Log"):
        expect(item.get_by_role("region", name=name)).to_contain_text("<img src=x onerror=")
    item.get_by_role("button", name="Send again").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#send-result pre")).to_contain_text("<script>window.hurt = 1</script>")
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img, main script").count() == 0


def test_even_a_page_that_is_broken_runs_nothing_of_it(browser: Browser, up: Running) -> None:
    seen = open_page(browser, up)
    page = seen.page
    attempts = [
        "document.body.setAttribute('onclick', 'window.hurt = 1')",
        "document.body.innerHTML = '<b>hello</b>'",
        "window.setTimeout('window.hurt = 1')",
    ]
    for attempt in attempts:
        caught = f"() => {{ try {{ {attempt}; }} catch (error) {{ return error.name; }} }}"
        assert page.evaluate(caught) == "TypeError"
    violated = """(url) => new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", (e) => resolve(e.effectiveDirective));
        new Image().src = url;
    })"""
    assert page.evaluate(violated, "http://127.0.0.1:9/secret.png") == "img-src"
    assert page.evaluate("window.hurt") is None
    assert len(seen.complaints) == 1 + len(attempts)
    page.context.close()


def test_a_handlers_page_cannot_read_this_one(browser: Browser, up: Running) -> None:
    """It has the same origin, so nothing but what the browser tells of a request is between."""
    page = browser.new_context().new_page()
    page.goto(f"{up.service.url}/notes?page=1")
    fetched = page.evaluate("fetch('/_services').then(async (a) => [a.status, await a.json()])")
    data = page.evaluate("fetch('/_services/service').then((a) => a.status)")
    framed = """() => new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.src = "/_services";
        frame.onload = () => {
            try { resolve(frame.contentDocument.body.textContent); } catch { resolve("closed"); }
        };
        document.body.append(frame);
    })"""
    with page.expect_popup() as opened:
        page.evaluate("window.other = window.open('/_services')")
    expect(opened.value.locator(".card").first).to_be_visible()
    closed = page.evaluate("window.other.closed")

    reason = "refused: the page is opened in a window of its own, not fetched by a script"
    assert fetched == [403, {"message": reason}]
    assert data == 403
    assert "services-token" not in (page.evaluate(framed) or "")
    assert closed is True
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Browser, up: Running, scheme: str) -> None:
    page = open_page(browser, up, scheme=scheme).page
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )
    for path in ("/notes?page=1", "/nothing", f"/notes/{scheme}"):
        up.client.get(path)
    row(page, f"/notes/{scheme}")
    page.locator(".calls summary").first.click()
    expect(page.locator(".calls details[open] .callout").first).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#send-result .status")).to_be_visible()
    page.mouse.move(0, 0)
    page.locator("#filter").focus()

    seen, found = texts_with_little_contrast(page)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (dark == "rgb(19, 21, 23)") is (scheme == "dark")
    assert seen > 80
    assert found == []
    page.context.close()


@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_nothing_is_cut_or_lies_on_another_at_any_width(
    browser: Browser, up: Running, tmp_path: Path, width: int
) -> None:
    page = open_page(browser, up, width).page
    up.client.get(f"/a-long-path-{'x' * 500}")
    up.client.get(f"/notes?page={width}")
    row(page, f"/notes?page={width}")
    page.locator(".calls summary").first.click()
    expect(page.locator(".calls details[open] pre").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    picture = page.screenshot(path=tmp_path / f"{width}.png", full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    count, found = overlaps(page, ".card, .calls > li, .part, .panel, .note, h2, .column > h3")
    assert count > 20
    assert found == []
    assert different_rows(picture) > 200
    lines = page.locator(".diagram svg")
    assert lines.is_visible() is (width > 760)
    page.context.close()


@pytest.mark.parametrize("writing", [False, True])
def test_the_page_follows_a_service_that_starts_again(
    browser: Browser, tmp_path: Path, writing: bool
) -> None:
    file = write_services(tmp_path, TEXT)
    write_handlers(tmp_path, HANDLERS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(port=port, console=True)
    page = browser.new_context().new_page()
    with running(Project(file), settings, Feed()) as up:
        page.goto(f"{up.url}/_services")
        expect(page.locator(".card").first).to_be_visible()
        httpx.get(f"{up.url}/before")
        row(page, "/before")
        if writing:
            page.get_by_label("Path", exact=True).fill("/what-i-am-writing")
    expect(page.locator("#state")).to_have_text("not running")
    file.write_text(file.read_text().replace("GET /notes:", "GET /news:"))
    with running(Project(file), settings, Feed()) as up:
        if writing:
            expect(page.get_by_label("Path", exact=True)).to_have_value("/what-i-am-writing")
            page.get_by_role("button", name="Load the page again").click()
        expect(page.locator(".route .title").first).to_have_text("GET /news")
        expect(page.locator("#state")).to_have_text("live")
        expect(page.locator(".calls > li")).to_have_count(0)
        expect(page.locator("#calls-empty pre")).to_have_text(f"curl {up.url}/news")
    page.context.close()


def test_the_diagram_follows_services_yaml(browser: Browser, tmp_path: Path) -> None:
    with run(tmp_path, TEXT, HANDLERS, console=True) as up:
        page = open_page(browser, up).page
        up.write(TEXT.replace("GET /notes:", "GET /news:"))

        expect(page.locator(".route .title").first).to_have_text("GET /news")
        expect(page.locator(".note[data-kind=reloaded]")).to_contain_text("new routes.GET /news")
        page.context.close()
