// The latest errors and the tail of the log.  Whatever apps and clients have written is text here, never markup.

import { count, time } from "./text.js";

const MOST_LINES = 500;

/** @typedef {Record<string, any> & { ts: string, level: string, event: string, msg?: string, app?: string }} Line */
/** @typedef {Line & { count: number, first: string, code?: string, traceback?: string }} Problem */

/**
 * @param {string} name
 * @param {string} kind
 * @param {string} text
 */
function element(name, kind, text) {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}

/** The errors, each to be opened for its stack; what is open stays open. */
export class Errors {
  /** @type {Map<string, { details: HTMLDetailsElement, times: HTMLElement, text: HTMLElement }>} */
  #shown = new Map();
  #list;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {Problem[]} errors the latest first */
  show(errors) {
    const keys = errors.map((error) => [error.app, error.event, error.code, error.msg].join("\n"));
    for (const [key, { details }] of this.#shown) {
      if (keys.includes(key)) continue;
      details.remove();
      this.#shown.delete(key);
    }
    errors.forEach((error, index) => {
      const key = keys[index] ?? "";
      const entry = this.#shown.get(key) ?? this.#entry(key, error);
      const others = error.count > 1 ? `${count(error.count)} times since ${time(error.first)}, last ` : "";
      entry.times.textContent = ` ${others}${time(error.ts)}`;
      entry.text.textContent = [error.msg, error.traceback].filter(Boolean).join("\n");
      if (this.#list.children[index] !== entry.details) {
        this.#list.insertBefore(entry.details, this.#list.children[index] ?? null);
      }
    });
  }

  /**
   * @param {string} key
   * @param {Problem} error
   */
  #entry(key, error) {
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    const times = element("span", "times", "");
    const text = element("pre", "", "");
    // What may be scrolled has to be reached with the keyboard.
    text.tabIndex = 0;
    const what = (error.msg ?? "").split("\n", 1)[0] ?? "";
    const where = [error.app, error.code ?? error.event].filter(Boolean).join(" ");
    summary.append(element("strong", "", where), ` ${what}`, times);
    details.append(summary, text);
    const entry = { details, times, text };
    this.#shown.set(key, entry);
    return entry;
  }
}

/** The tail of the log; it scrolls by itself as long as its end is in sight. */
export class Log {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  clear() {
    this.#box.replaceChildren();
  }

  /** @param {Line[]} lines */
  add(lines) {
    if (!lines.length) return;
    const box = this.#box;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    box.append(...lines.slice(-MOST_LINES).map(shown));
    while (box.children.length > MOST_LINES) box.firstElementChild?.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
}

/** @param {Line} line */
function shown(line) {
  const paragraph = element("p", `level-${line.level}`, "");
  const where = [line.app, line.worker && `worker ${line.worker}`].filter(Boolean).join(", ");
  const text = line.event === "access" ? request(line) : (line.msg ?? "");
  paragraph.append(element("span", "when", time(line.ts)), ` ${line.level} ${where ? `[${where}] ` : ""}${text}`);
  return paragraph;
}

/** @param {Line} line */
const request = (line) => `${line.method} ${line.path} ${line.status} in ${line.duration_ms} ms`;
