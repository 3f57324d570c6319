/**
 * The page's way to the service: data with this start's token, and news as they happen.
 */

const ROOT = "/_services";
const PAUSE = 150;
const RETRY = 1000;

/** The service says no: the message is one line for people. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const token = document.querySelector('meta[name="services-token"]')?.getAttribute("content") ?? "";

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function ask(path, options = {}) {
  const headers = { "x-services-token": token, ...options.headers };
  const answer = await fetch(`${ROOT}/${path}`, { ...options, headers, cache: "no-store" });
  const content = await answer.json();
  if (!answer.ok) {
    throw new Refusal(answer.status, content.message ?? `answered ${answer.status}`);
  }
  return content;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export function read(path) {
  return ask(path);
}

/**
 * @param {string} path
 * @param {object} content
 * @returns {Promise<any>}
 */
export function post(path, content) {
  const headers = { "content-type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(content) });
}

/**
 * Hands over what has changed, for ever. While nobody sees the page nothing is asked for: a
 * browser has six connections to a service, and every open page takes one.
 *
 * @param {(news: any) => Promise<void>} onNews
 * @param {(state: "live" | "away") => void} onState
 * @param {() => void} onRestart the service has ended and another one answers: asks no more
 */
export async function follow(onNews, onState, onRestart) {
  let after = 0;
  for (;;) {
    await visible();
    try {
      const news = await read(`events?after=${after}`);
      onState("live");
      await onNews(news);
      after = news.now;
      await pause(PAUSE);
    } catch (problem) {
      if (problem instanceof Refusal && problem.status === 403) {
        onRestart();
        return;
      }
      onState("away");
      await pause(RETRY);
    }
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until the page can be seen. */
function visible() {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", look);
        resolve(undefined);
      }
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}
