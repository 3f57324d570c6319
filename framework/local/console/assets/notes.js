/** What was denied, what went wrong, and changes of services.yaml, newest first. */

import { byId, clock, code, el } from "./dom.js";

const MOST = 100;
const KINDS = { denied: "Denied", problem: "Problem", reloaded: "Changed" };

/** The list; `onOpen` is told the request that a line is about. */
export class Notes {
  /** @param {(number: number) => void} onOpen */
  constructor(onOpen) {
    this.list = byId("notes-list");
    this.empty = byId("notes-empty");
    this.count = byId("notes-count");
    this.onOpen = onOpen;
    /** @type {Map<number, { kind: string, item: HTMLElement }>} */
    this.items = new Map();
  }

  /** @param {any[]} notes what is new, or has got more lines */
  take(notes) {
    for (const note of notes) {
      const item = this.#item(note);
      const old = this.items.get(note.number);
      if (old) {
        old.item.replaceWith(item);
      } else {
        this.list.prepend(item);
      }
      this.items.set(note.number, { kind: note.kind, item });
    }
    for (const [number, { item }] of this.items) {
      if (this.items.size <= MOST) {
        break;
      }
      item.remove();
      this.items.delete(number);
    }
    const bad = [...this.items.values()].filter(({ kind }) => kind !== "reloaded").length;
    this.empty.hidden = this.items.size > 0;
    this.count.hidden = bad === 0;
    this.count.textContent = String(bad);
  }

  /** @param {any} note */
  #item(note) {
    return el(
      "li",
      { class: "note", "data-kind": note.kind },
      el(
        "p",
        { class: "note-head" },
        el("span", { class: "kind" }, KINDS[note.kind]),
        el("time", { class: "at", datetime: new Date(note.at).toISOString() }, clock(note.at)),
        note.call > 0 &&
          el("button", { type: "button", class: "link", onclick: () => this.onOpen(note.call) }, "show the request"),
      ),
      ...noteLines(note),
    );
  }
}

/**
 * The words of a note; what would help stands apart.
 *
 * @param {any} note
 * @returns {HTMLElement[]}
 */
export function noteLines(note) {
  const [first, ...rest] = note.lines;
  const found = /^(.*): (add {2}uses: .*)$/.exec(first ?? "");
  const said = found ? [el("p", {}, found[1]), el("p", { class: "advice" }, found[2])] : [el("p", {}, first ?? "")];
  // Frames of a handler come under the function's name, which the first line says already.
  const more = rest.map((line) => line.replace(/^functions\.\S+ \| /, ""));
  return more.length ? [...said, code("More of it", more.join("\n"))] : said;
}
