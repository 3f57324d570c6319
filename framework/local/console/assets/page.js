/** The page: what it shows at first, and how news reach its parts. */

import { follow, read } from "./api.js";
import { Calls } from "./calls.js";
import { Diagram } from "./diagram.js";
import { byId, el } from "./dom.js";
import { Forms } from "./forms.js";
import { Notes } from "./notes.js";

const STATES = { live: "live", away: "not running" };

function main() {
  const forms = new Forms((number) => calls.open(number));
  const calls = new Calls({
    sendAgain: (request) => forms.sendAgain(request),
    invokeWith: (entry, event) => forms.invokeWith(entry, event),
  });
  const notes = new Notes((number) => calls.open(number));
  const diagram = new Diagram(
    (key) => forms.tryRoute(key),
    (entry) => forms.tryFunction(entry),
  );
  let reading = -1;

  follow(
    async (news) => {
      const first = reading < 0;
      if (news.reading !== reading) {
        const service = await read("service");
        reading = service.reading;
        head(service);
        diagram.show(service);
        forms.show(service);
        calls.invite(command(service));
      }
      calls.take(news.calls, news.oldest, first);
      notes.take(news.notes);
    },
    state,
    () => (forms.touched ? offer() : location.reload()),
  );
}

/** @param {"live" | "away"} now */
function state(now) {
  const shown = byId("state");
  if (shown.dataset.state !== now || shown.textContent !== STATES[now]) {
    shown.dataset.state = now;
    shown.textContent = STATES[now];
  }
}

/** Another service answers, and something is being written here: the person says when. */
function offer() {
  byId("restarted").hidden = false;
  byId("reload").addEventListener("click", () => location.reload());
}

/** @param {any} service */
function head(service) {
  const name = service.name || "services local";
  document.title = `${name} · local`;
  byId("name").textContent = name;
  const others = service.others.map((each) => el("span", {}, ` · ${each.region} is on ${each.address}/_services`));
  byId("place").replaceChildren(`${service.region} on ${service.address}`, ...others);
}

/**
 * A command that calls the first route.
 *
 * @param {any} service
 */
function command(service) {
  const route = service.routes.find(({ example }) => example.method === "GET") ?? service.routes[0];
  return route ? `curl ${service.address}${route.example.path}` : "services invoke FUNCTION";
}

main();
