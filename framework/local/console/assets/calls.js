/**
 * The list of requests and invocations, newest first. A line is opened like any disclosure, with
 * the keyboard as well; what it holds is asked for then.
 */

import { bare } from "./diagram.js";
import { detail } from "./detail.js";
import { byId, clock, duration, el } from "./dom.js";
import { read } from "./api.js";

const MOST = 200;
const QUIET = 2000;

/**
 * A line of the list, and what it was made from.
 *
 * @typedef {{ call: any, item: HTMLElement, box: HTMLDetailsElement, line: HTMLElement, body: HTMLElement, loaded: number, said: boolean }} Row
 */

/** The list; `actions` are what the buttons of an open line do. */
export class Calls {
  /** @param {import("./detail.js").Actions} actions */
  constructor(actions) {
    this.list = byId("calls-list");
    this.empty = byId("calls-empty");
    this.filter = byId("filter", HTMLInputElement);
    this.said = byId("said");
    this.actions = actions;
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {any[]} */
    this.unsaid = [];
    this.timer = 0;
    this.filter.addEventListener("input", () => this.#filter());
  }

  /**
   * @param {any[]} calls what is new or different
   * @param {number} oldest the first that is still kept
   * @param {boolean} first whether they happened before the page was there
   */
  take(calls, oldest, first) {
    for (const call of calls) {
      const row = this.rows.get(call.number) ?? this.#add(call, first);
      this.#update(row, call);
      if (call.ended && !row.said) {
        row.said = true;
        this.#say(call);
      }
    }
    for (const [number, row] of this.rows) {
      if (number < oldest || this.rows.size > MOST) {
        row.item.remove();
        this.rows.delete(number);
      }
    }
    this.empty.hidden = this.rows.size > 0;
    this.#filter();
  }

  /**
   * What the empty list says.
   *
   * @param {string} command
   */
  invite(command) {
    this.empty.replaceChildren(
      el("p", {}, "Nothing has been asked for yet. Send a request from this page, or"),
      el("pre", {}, command),
    );
    this.empty.hidden = this.rows.size > 0;
  }

  /**
   * Opens a line and goes there.
   *
   * @param {number} number
   */
  open(number) {
    const row = this.rows.get(number);
    if (!row) {
      return;
    }
    this.filter.value = "";
    this.#filter();
    row.box.open = true;
    row.line.focus();
    row.line.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {any} call
   * @param {boolean} first
   */
  #add(call, first) {
    const line = el("summary", {});
    const body = el("div", { class: "detail" });
    const box = /** @type {HTMLDetailsElement} */ (el("details", {}, line, body));
    const item = el("li", { class: first ? "" : "new" }, box);
    /** @type {Row} */
    const row = { call, item, box, line, body, loaded: 0, said: first };
    box.addEventListener("toggle", () => this.#load(row));
    this.rows.set(call.number, row);
    this.list.prepend(item);
    return row;
  }

  /**
   * @param {Row} row
   * @param {any} call
   */
  #update(row, call) {
    row.call = call;
    row.line.replaceChildren(...summary(call));
    this.#load(row);
  }

  /** @param {Row} row */
  async #load(row) {
    const { call } = row;
    if (!row.box.open || row.loaded === call.changed) {
      return;
    }
    row.loaded = call.changed;
    try {
      const whole = await read(`calls/${call.number}`);
      if (row.loaded === call.changed) {
        row.body.replaceChildren(...detail(whole, this.actions));
      }
    } catch (problem) {
      row.loaded = 0;
      row.body.replaceChildren(el("p", { class: "muted" }, problem.message));
    }
  }

  #filter() {
    const wanted = this.filter.value.trim().toLowerCase();
    for (const { call, item } of this.rows.values()) {
      const words = `${call.method || "invoke"} ${call.path} ${call.status ?? ""} ${call.function}`;
      item.hidden = wanted !== "" && !words.toLowerCase().includes(wanted);
    }
  }

  /**
   * Tells screen readers, once in a while.
   *
   * @param {any} call
   */
  #say(call) {
    this.unsaid.push(call);
    this.timer ||= setTimeout(() => {
      const last = this.unsaid.at(-1);
      const what = `${last.method || "invoked"} ${last.path || bare(last.function)} ${result(last)}`;
      const more = this.unsaid.length > 1 ? `${this.unsaid.length} new requests, the last: ` : "";
      this.said.textContent = more + what;
      this.unsaid = [];
      this.timer = 0;
    }, QUIET);
  }
}

/** @param {any} call */
function result(call) {
  if (!call.ended) {
    return "…";
  }
  return call.status === null ? (call.failed ? "failed" : "done") : String(call.status);
}

/** @param {any} call */
function mood(call) {
  if (!call.ended) {
    return "running";
  }
  if (call.failed) {
    return "bad";
  }
  return call.status >= 400 ? "refused" : "good";
}

/** @param {any} call */
function summary(call) {
  const what = call.method
    ? [el("span", { class: "method" }, call.method), " ", el("span", { class: "path" }, call.path)]
    : [el("span", { class: "method" }, "invoke"), " ", el("span", { class: "path" }, bare(call.function))];
  return [
    el("span", { class: "status", "data-mood": mood(call) }, result(call)),
    " ",
    el("span", { class: "what" }, ...what),
    " ",
    el("span", { class: "by" }, call.method ? bare(call.function) : ""),
    " ",
    el("span", { class: "took" }, duration(call.milliseconds)),
    " ",
    el("time", { class: "at", datetime: new Date(call.at).toISOString() }, clock(call.at)),
  ];
}
