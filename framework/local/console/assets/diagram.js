/**
 * The service as three columns of cards, joined by lines: routes, the functions they run, and what
 * those may do to buckets and parameters. Every card says in words what its lines show.
 */

import { byId, el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

const AUTH = {
  none: "open to everybody",
  iam: "signed (iam)",
  unknown: "not served here",
};

/**
 * @typedef {{ from: HTMLElement, to: HTMLElement, path: SVGPathElement }} Wire
 */

/** The diagram; `onRoute` and `onFunction` are told what somebody wants to try. */
export class Diagram {
  /**
   * @param {(key: string) => void} onRoute
   * @param {(entry: string) => void} onFunction
   */
  constructor(onRoute, onFunction) {
    this.root = byId("diagram");
    this.onRoute = onRoute;
    this.onFunction = onFunction;
    /** @type {Wire[]} */
    this.wires = [];
    new ResizeObserver(() => this.#lay()).observe(this.root);
  }

  /** @param {any} service as /_services/service describes it */
  show(service) {
    /** @type {Map<string, HTMLElement>} */
    const cards = new Map();
    const card = (/** @type {string} */ entry, /** @type {HTMLElement} */ made) => {
      cards.set(entry, made);
      return made;
    };
    const routes = service.routes.map((each) => card(each.entry, this.#route(each)));
    const functions = service.functions.map((each) => card(each.entry, this.#function(each)));
    const stores = [...service.buckets, ...service.parameters].map((each) =>
      card(each.entry, store(each, service.functions)),
    );
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("aria-hidden", "true");
    this.root.replaceChildren(
      this.svg,
      column("Routes", routes, "There is no route: functions are invoked by their names."),
      column("Functions", functions, "There is no function yet."),
      column("Buckets and parameters", stores, "No bucket, no parameter."),
    );
    this.root.removeAttribute("aria-busy");
    this.#join(service, cards);
    this.#lay();
  }

  /**
   * @param {any} service
   * @param {Map<string, HTMLElement>} cards
   */
  #join(service, cards) {
    /** @type {Set<string>} */
    const pairs = new Set();
    const join = (/** @type {string} */ from, /** @type {string} */ to) => {
      const [left, right] = [cards.get(from), cards.get(to)];
      if (left && right && !pairs.has(`${from}\n${to}`)) {
        pairs.add(`${from}\n${to}`);
        const path = document.createElementNS(SVG, "path");
        this.svg?.append(path);
        this.wires.push({ from: left, to: right, path });
      }
    };
    this.wires = [];
    service.routes.forEach((route) => join(route.entry, route.function));
    service.functions.forEach((each) => each.uses.forEach((use) => join(each.entry, use.entry)));
    for (const one of cards.values()) {
      for (const event of ["pointerenter", "focusin"]) {
        one.addEventListener(event, () => this.#light(one));
      }
      for (const event of ["pointerleave", "focusout"]) {
        one.addEventListener(event, () => this.#light(null));
      }
    }
  }

  /** Where the lines run; none where the columns stand under each other. */
  #lay() {
    const box = this.root.getBoundingClientRect();
    const ports = this.#ports();
    for (const wire of this.wires) {
      const from = wire.from.getBoundingClientRect();
      const to = wire.to.getBoundingClientRect();
      const [x1, x2] = [from.right - box.left, to.left - box.left];
      const y1 = ports.out.get(wire) - box.top;
      const y2 = ports.into.get(wire) - box.top;
      const bend = Math.max((x2 - x1) / 2, 0);
      wire.path.setAttribute(
        "d",
        x2 > x1 ? `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` : "",
      );
    }
  }

  /**
   * The height at which each line leaves a card and reaches another: several at a card are spread
   * along its edge, in the order of the cards they lead to, so that they cross little.
   */
  #ports() {
    const [out, into] = [new Map(), new Map()];
    for (const [side, other, heights] of /** @type {const} */ ([
      ["from", "to", out],
      ["to", "from", into],
    ])) {
      const byCard = Map.groupBy(this.wires, (wire) => wire[side]);
      for (const [card, wires] of byCard) {
        const top = (/** @type {Wire} */ wire) => wire[other].getBoundingClientRect().top;
        const edge = card.getBoundingClientRect();
        const sorted = wires.toSorted((a, b) => top(a) - top(b));
        const gap = Math.min(12, (edge.height - 24) / sorted.length);
        sorted.forEach((wire, index) => {
          const middle = edge.top + Math.min(edge.height / 2, 40);
          heights.set(wire, middle + (index - (sorted.length - 1) / 2) * gap);
        });
      }
    }
    return { out, into };
  }

  /**
   * Shows what a card is joined to, over a function also what is behind it.
   *
   * @param {HTMLElement | null} card
   */
  #light(card) {
    const lit = new Set(card ? [card] : []);
    const reach = (/** @type {"from" | "to"} */ side, /** @type {"from" | "to"} */ other) => {
      const ends = new Set(card ? [card] : []);
      for (let round = 0; round < 2; round += 1) {
        for (const wire of this.wires) {
          if (ends.has(wire[side])) {
            wire.path.classList.add("lit");
            ends.add(wire[other]);
            lit.add(wire[other]);
          }
        }
      }
    };
    this.wires.forEach((wire) => wire.path.classList.remove("lit"));
    reach("from", "to");
    reach("to", "from");
    this.root.classList.toggle("lighting", card !== null);
    for (const one of this.root.querySelectorAll(".card")) {
      one.classList.toggle("lit", lit.has(/** @type {HTMLElement} */ (one)));
    }
  }

  /** @param {any} route */
  #route(route) {
    const auth =
      route.auth === "jwt"
        ? [`jwt.${route.authorizer}`, ...route.scopes].join(" ")
        : AUTH[route.auth];
    const name = [
      route.method && el("span", { class: "method" }, route.method),
      route.method && " ",
      el("span", { class: "path" }, route.path),
    ];
    return el(
      "li",
      { class: "card route" },
      el("button", { type: "button", class: "title", title: "Send a request", onclick: () => this.onRoute(route.key) }, ...name),
      el(
        "p",
        { class: "facts" },
        el("span", { class: "tag", "data-auth": route.auth }, auth),
        !route.permitted && el("span", { class: "tag", "data-auth": "unknown" }, "may not invoke it"),
        el("span", { class: "goes" }, `runs ${bare(route.function)}`),
      ),
    );
  }

  /** @param {any} one */
  #function(one) {
    const facts = [one.handler, one.runtime, `${one.memory} MB`, `${one.timeout} s`];
    if (one.concurrency !== null) {
      facts.push(`${one.concurrency} at once`);
    }
    return el(
      "li",
      { class: "card function" },
      el("button", { type: "button", class: "title", title: "Invoke it", onclick: () => this.onFunction(one.entry) }, bare(one.entry)),
      el("p", { class: "facts muted" }, facts.join(" · ")),
      one.uses.length > 0 &&
        el("ul", { class: "uses", "aria-label": "may" }, ...one.uses.map((use) => permission(use.entry, use))),
      one.more && el("p", { class: "facts muted" }, "Its policy says more: services policy"),
    );
  }
}

/**
 * @param {string} title
 * @param {HTMLElement[]} cards
 * @param {string} nothing
 */
function column(title, cards, nothing) {
  const content = cards.length ? el("ul", {}, ...cards) : el("p", { class: "muted" }, nothing);
  return el("div", { class: "column" }, el("h3", {}, title), content);
}

/**
 * A bucket or a parameter, and who may do what to it.
 *
 * @param {any} one
 * @param {any[]} functions
 */
function store(one, functions) {
  const isBucket = "versioned" in one;
  const kind = isBucket ? (one.versioned ? "bucket, versioned" : "bucket") : one.type;
  const users = functions.flatMap((each) =>
    each.uses.filter((use) => use.entry === one.entry).map((use) => permission(bare(each.entry), use)),
  );
  return el(
    "li",
    { class: "card store", tabindex: "0", "aria-label": one.entry },
    el("span", { class: "title" }, one.entry),
    el("p", { class: "facts muted" }, `${kind} · ${one.name}`),
    users.length
      ? el("ul", { class: "uses", "aria-label": "used by" }, ...users)
      : el("p", { class: "facts muted" }, "no function may use it"),
  );
}

/**
 * @param {string} name
 * @param {any} use
 */
function permission(name, use) {
  return el(
    "li",
    {},
    el("span", { class: "name" }, name, use.prefix && el("span", { class: "muted" }, ` ${use.prefix}…`)),
    " ",
    el("span", { class: "verbs" }, use.verbs.join(", ")),
  );
}

/** @param {string} entry */
export function bare(entry) {
  return entry.replace(/^functions\./, "");
}
