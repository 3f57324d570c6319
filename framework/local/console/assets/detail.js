/** All that is known of one request or invocation: event, response, log, and what to do with it. */

import { noteLines } from "./notes.js";
import { code, el, size } from "./dom.js";

/**
 * @typedef {object} Actions
 * @property {(request: any) => void} sendAgain
 * @property {(entry: string, event: string) => void} invokeWith
 */

/**
 * @param {any} call as /_services/calls/N has it
 * @param {Actions} actions
 * @returns {HTMLElement[]}
 */
export function detail(call, actions) {
  const left = call.event ? part("Event", ...block("Event", call.event)) : asked(call);
  const parts = el("div", { class: "parts" }, left, response(call));
  return [buttons(call, actions), ...call.notes.map(callout), parts, log(call)];
}

/**
 * @param {any} call
 * @param {Actions} actions
 */
function buttons(call, actions) {
  const { request, event } = call;
  const again =
    request &&
    el("button", { type: "button", class: "plain", disabled: !request.whole, onclick: () => actions.sendAgain(request) }, "Send again");
  const invoke =
    event &&
    el(
      "button",
      { type: "button", class: "plain", disabled: event.cut, onclick: () => actions.invokeWith(call.function, event.text) },
      "Invoke with this event",
    );
  const ids = [call.route && `route ${call.route}`, call.invocation && `RequestId ${call.invocation}`];
  return el(
    "div",
    { class: "buttons" },
    again,
    invoke,
    el("p", { class: "muted ids" }, ids.filter(Boolean).join(" · ")),
  );
}

/** @param {any} note */
function callout(note) {
  return el("div", { class: "callout", "data-kind": note.kind }, ...noteLines(note));
}

/**
 * @param {string} title
 * @param {...import("./dom.js").Child} content
 */
function part(title, ...content) {
  return el("section", { class: "part" }, el("h4", {}, title), ...content);
}

/**
 * What came, where no function ran.
 *
 * @param {any} call
 */
function asked(call) {
  if (!call.request) {
    return part("Event", el("p", { class: "muted" }, "none"));
  }
  const { method, path, headers, body } = call.request;
  const text = [`${method} ${path}`, headers, body && `\n${body}`].filter(Boolean).join("\n");
  const why = call.ended ? "No function ran for it." : "No function runs for it yet.";
  return part("Request", el("p", { class: "muted" }, why), code("Request", text));
}

/** @param {any} call */
function response(call) {
  if (!call.ended) {
    return part("Response", el("p", { class: "muted" }, "still running"));
  }
  if (!call.request) {
    const title = call.failed ? "Error" : "Result";
    return part(title, ...block(title, call.result));
  }
  const headers = call.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return part(
    "Response",
    el("p", {}, el("strong", {}, `${call.status ?? "none"}`), " ", el("span", { class: "muted" }, size(call.result.size))),
    headers && code("Headers of the response", headers),
    ...block("Body of the response", call.result),
  );
}

/** @param {any} call */
function log(call) {
  const lines = call.log.length
    ? code("Log", call.log.join("\n"))
    : el("p", { class: "muted" }, call.ended ? "nothing" : "nothing yet");
  const dropped = call.dropped > 0 && el("p", { class: "muted" }, `${call.dropped} more lines are not kept here.`);
  return part("Log", lines, dropped);
}

/**
 * A body, an event or a result.
 *
 * @param {string} label
 * @param {any} content
 * @returns {HTMLElement[]}
 */
export function block(label, content) {
  if (!content.size) {
    return [el("p", { class: "muted" }, "empty")];
  }
  if (content.kind === "binary") {
    return [el("p", { class: "muted" }, `${size(content.size)} that are no text`)];
  }
  const shown = [code(label, content.text)];
  if (content.cut) {
    shown.push(el("p", { class: "muted" }, `Its beginning: all of it has ${size(content.size)}.`));
  }
  return shown;
}
