/**
 * Elements made by hand. Whatever comes from files or requests becomes text: nothing on this page
 * is ever parsed as HTML.
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with attributes and children; `true` stands for an attribute without a value.
 *
 * @param {string} tag
 * @param {Record<string, string | boolean | EventListener>} [attributes] `onclick` and its like are listeners
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child || child === ""));
  return element;
}

/**
 * The element of that id in page.html.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [type]
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!element || (type && !(element instanceof type))) {
    throw new Error(`page.html has no ${id}`);
  }
  return /** @type {T} */ (element);
}

/**
 * A block of code that can be scrolled with the keyboard.
 *
 * @param {string} label what it is, for screen readers
 * @param {string} text
 */
export function code(label, text) {
  return el("pre", { tabindex: "0", role: "region", "aria-label": label }, text);
}

/**
 * How long something took.
 *
 * @param {number | null} milliseconds
 */
export function duration(milliseconds) {
  if (milliseconds === null) {
    return "";
  }
  if (milliseconds < 10) {
    return `${milliseconds.toFixed(milliseconds < 1 ? 2 : 1)} ms`;
  }
  return milliseconds < 10_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * A time of day, `14:03:07`.
 *
 * @param {number} at milliseconds since 1970
 */
export function clock(at) {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false });
}

/**
 * A size in words.
 *
 * @param {number} bytes
 */
export function size(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KB`;
}
