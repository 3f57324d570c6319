/** The two forms: a request to the API, and a function with an event of one's own. */

import { post } from "./api.js";
import { block } from "./detail.js";
import { bare } from "./diagram.js";
import { byId, duration, el } from "./dom.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const JSON_HEADER = "content-type: application/json";

/** Both forms; `onOpen` is told the request that somebody wants to see whole. */
export class Forms {
  /** @param {(number: number) => void} onOpen */
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.touched = false;
    /** @type {Map<string, any>} */
    this.routes = new Map();
    /** @type {Map<string, any>} */
    this.functions = new Map();
    this.send = byId("send", HTMLFormElement);
    this.route = byId("send-route", HTMLSelectElement);
    this.method = byId("send-method", HTMLSelectElement);
    this.path = byId("send-path", HTMLInputElement);
    this.headers = byId("send-headers", HTMLTextAreaElement);
    this.body = byId("send-body", HTMLTextAreaElement);
    this.sign = byId("send-sign", HTMLInputElement);
    this.invoke = byId("invoke", HTMLFormElement);
    this.function = byId("invoke-function", HTMLSelectElement);
    this.event = byId("invoke-event", HTMLTextAreaElement);
    this.tabs = ["send-tab", "invoke-tab"].map((id) => byId(id));
    this.method.replaceChildren(...METHODS.map((name) => el("option", {}, name)));
    this.#listen();
    this.#turnTo(this.tabs[0]);
  }

  /** @param {any} service as /_services/service describes it */
  show(service) {
    this.routes = new Map(service.routes.map((route) => [route.key, route]));
    this.functions = new Map(service.functions.map((one) => [one.entry, one]));
    options(this.route, [...this.routes.keys()].map((key) => [key, key]), "another path");
    options(this.function, [...this.functions.keys()].map((entry) => [entry, bare(entry)]));
    if (!this.touched) {
      this.#fillRoute();
      this.#fillEvent();
    }
  }

  /** @param {string} key */
  tryRoute(key) {
    this.route.value = key;
    this.#fillRoute();
    this.#turnTo(this.tabs[0]);
    this.path.focus();
  }

  /** @param {any} request as a call keeps it */
  sendAgain(request) {
    this.route.value = "";
    this.method.value = request.method;
    this.path.value = request.path;
    this.headers.value = request.headers;
    this.body.value = request.body;
    this.sign.checked = request.signed;
    this.touched = true;
    this.#turnTo(this.tabs[0]);
    this.path.focus();
  }

  /** @param {string} entry */
  tryFunction(entry) {
    this.invokeWith(entry, this.functions.get(entry)?.event ?? "{}");
  }

  /**
   * @param {string} entry
   * @param {string} event
   */
  invokeWith(entry, event) {
    this.function.value = entry;
    this.event.value = event;
    this.touched = true;
    this.#turnTo(this.tabs[1]);
    this.event.focus();
    this.event.setSelectionRange(0, 0);
    this.event.scrollTop = 0;
  }

  #listen() {
    this.route.addEventListener("change", () => this.#fillRoute());
    this.function.addEventListener("change", () => this.#fillEvent());
    byId("invoke-sample").addEventListener("click", () => this.#fillEvent());
    for (const form of [this.send, this.invoke]) {
      form.addEventListener("input", () => (this.touched = true));
    }
    this.send.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(this.send, "requests", this.#request(), byId("send-result"));
    });
    this.invoke.addEventListener("submit", (event) => {
      event.preventDefault();
      const content = { function: this.function.value, event: this.event.value };
      this.#submit(this.invoke, "invocations", content, byId("invoke-result"));
    });
    this.tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => this.#turnTo(tab));
      tab.addEventListener("keydown", (event) => {
        if (["ArrowLeft", "ArrowRight"].includes(event.key)) {
          this.#turnTo(this.tabs[1 - index]);
          this.tabs[1 - index].focus();
        }
      });
    });
  }

  /** @param {HTMLElement} chosen */
  #turnTo(chosen) {
    for (const tab of this.tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls") ?? "").hidden = tab !== chosen;
    }
  }

  #fillRoute() {
    const route = this.routes.get(this.route.value);
    if (!route) {
      return;
    }
    const { method, path, body } = route.example;
    this.method.value = METHODS.includes(method) ? method : "GET";
    this.path.value = path;
    this.body.value = body;
    const token = route.auth === "jwt" ? ["authorization: Bearer TOKEN"] : [];
    this.headers.value = [...token, ...(body ? [JSON_HEADER] : [])].join("\n");
    this.sign.checked = route.auth === "iam";
  }

  #fillEvent() {
    this.event.value = this.functions.get(this.function.value)?.event ?? "{}";
  }

  #request() {
    return {
      method: this.method.value,
      path: this.path.value,
      headers: this.headers.value,
      body: this.body.value,
      sign: this.sign.checked,
    };
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string} where
   * @param {object} content
   * @param {HTMLElement} shown
   */
  async #submit(form, where, content, shown) {
    const button = form.querySelector(".main");
    button?.setAttribute("aria-disabled", "true");
    shown.replaceChildren(el("p", { class: "muted" }, "waiting for the answer"));
    try {
      shown.replaceChildren(...this.#outcome(await post(where, content)));
    } catch (problem) {
      shown.replaceChildren(el("p", { class: "wrong" }, problem.message));
    }
    button?.removeAttribute("aria-disabled");
  }

  /** @param {any} call */
  #outcome(call) {
    const failed = call.failed || call.status >= 400;
    const words = call.status ?? (call.failed ? "failed" : "done");
    const log = !call.request && call.log.length > 0;
    return [
      el(
        "p",
        { class: "outcome" },
        el("span", { class: "status", "data-mood": failed ? (call.failed ? "bad" : "refused") : "good" }, String(words)),
        el("span", { class: "muted" }, duration(call.milliseconds)),
        el("button", { type: "button", class: "link", onclick: () => this.onOpen(call.number) }, "show all of it"),
      ),
      ...block("Answer", call.result),
      ...(log ? block("Log", { text: call.log.join("\n"), kind: "text", size: 1, cut: false }) : []),
    ];
  }
}

/**
 * Fills a list to choose from and keeps what is chosen, where it is still there.
 *
 * @param {HTMLSelectElement} select
 * @param {string[][]} pairs value and words
 * @param {string} [other] words for none of them
 */
function options(select, pairs, other) {
  const chosen = select.value;
  const made = pairs.map(([value, words]) => el("option", { value }, words));
  select.replaceChildren(...made, ...(other ? [el("option", { value: "" }, other)] : []));
  if (pairs.some(([value]) => value === chosen)) {
    select.value = chosen;
  }
}
