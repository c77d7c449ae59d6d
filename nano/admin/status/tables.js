// The tables of apps and workers.  Rows stay while they are told of, so that neither focus nor selection is lost.

import { bytes, count, duration, milliseconds, percent, rate } from "./text.js";

/**
 * @typedef {object} App
 * @property {string} name
 * @property {string[]} hostnames
 * @property {string} state
 * @property {string} version
 * @property {string} origin
 * @property {number} requests_per_second
 * @property {number | null} p50_ms
 * @property {number | null} p99_ms
 * @property {number} cpu_percent
 * @property {number} memory_bytes
 * @property {number} isolates
 * @property {number} in_flight
 * @property {number} requests
 * @property {number} errors
 * @property {{ code: string, detail: string } | null} error
 */

/**
 * @typedef {object} Worker
 * @property {number} worker
 * @property {number} pid
 * @property {string} state
 * @property {number} uptime_seconds
 * @property {number} memory_bytes
 * @property {number} apps
 * @property {number} isolates
 * @property {number} in_flight
 */

/** @typedef {{ text: string, kind?: string, title?: string }} Cell */

/**
 * What can be done with an item.
 *
 * @template Item
 * @typedef {object} Action
 * @property {string} text of its button
 * @property {(item: Item) => boolean} fits whether the item has the button now
 * @property {(key: string) => void} act
 */

/**
 * @template Item
 */
class Table {
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();
  #body;
  #key;
  #cells;
  #actions;

  /**
   * @param {HTMLElement} body
   * @param {(item: Item) => string} key
   * @param {(item: Item) => Cell[]} cells the first is the row's head
   * @param {Action<Item>[]} actions whose buttons are in the last cell
   */
  constructor(body, key, cells, actions = []) {
    this.#body = body;
    this.#key = key;
    this.#cells = cells;
    this.#actions = actions;
  }

  /** @param {Item[]} items */
  show(items) {
    const shown = new Set(items.map(this.#key));
    for (const [key, row] of this.#rows) {
      if (shown.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    items.forEach((item, index) => {
      const row = this.#row(item);
      if (this.#body.children[index] !== row) this.#body.insertBefore(row, this.#body.children[index] ?? null);
      this.#cells(item).forEach((cell, column) => fill(/** @type {HTMLElement} */ (row.cells[column]), cell));
      row.querySelectorAll("button").forEach((button, number) => {
        button.hidden = !this.#actions[number]?.fits(item);
      });
    });
  }

  /** @param {Item} item */
  #row(item) {
    const key = this.#key(item);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      row.append(head, ...this.#cells(item).slice(1).map(() => document.createElement("td")));
      if (this.#actions.length) row.insertCell().append(...this.#actions.map((action) => button(action, key)));
      this.#rows.set(key, row);
    }
    return row;
  }
}

/**
 * @param {Action<any>} action
 * @param {string} key
 */
function button({ text, act }, key) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", `${text} ${key}`);
  made.addEventListener("click", () => act(key));
  return made;
}

/**
 * @param {HTMLElement} element
 * @param {Cell} cell
 */
function fill(element, { text, kind = "", title = "" }) {
  if (element.textContent !== text) element.textContent = text;
  if (element.className !== kind) element.className = kind;
  if (element.title !== title) element.title = title;
}

/** @param {string} text @returns {Cell} */
const number = (text) => ({ text, kind: "number" });

/** @param {string} state @returns {Cell} */
const stateCell = (state) => ({ text: state, kind: `state-${state}` });

/** @param {App} app @returns {Cell[]} */
const appCells = (app) => [
  { text: app.origin === "api" ? `${app.name} (by API)` : app.name, title: app.hostnames.join(", ") },
  stateCell(app.state),
  number(rate(app.requests_per_second)),
  number(milliseconds(app.p50_ms)),
  number(milliseconds(app.p99_ms)),
  number(percent(app.cpu_percent)),
  number(bytes(app.memory_bytes)),
  number(count(app.isolates)),
  number(count(app.in_flight)),
  number(count(app.requests)),
  number(count(app.errors)),
  { text: app.version.slice(0, 8), title: app.version },
  app.error ? { text: `${app.error.code}: ${app.error.detail}`, kind: "text", title: app.error.detail } : { text: "–" },
];

/** @param {Worker} worker @returns {Cell[]} */
const workerCells = (worker) => [
  { text: worker.worker ? `${worker.worker}` : "the only process" },
  stateCell(worker.state),
  number(`${worker.pid}`),
  number(duration(worker.uptime_seconds)),
  number(bytes(worker.memory_bytes)),
  number(count(worker.apps)),
  number(count(worker.isolates)),
  number(count(worker.in_flight)),
];

/**
 * @param {HTMLElement} body
 * @param {(name: string) => void} remove
 * @param {(name: string) => void} release
 * @returns {Table<App>}
 */
export const appTable = (body, remove, release) =>
  new Table(body, (app) => app.name, appCells, [
    { text: "Remove", fits: () => true, act: remove },
    { text: "Release", fits: (app) => app.state === "quarantined", act: release },
  ]);

/**
 * @param {HTMLElement} body
 * @returns {Table<Worker>}
 */
export const workerTable = (body) => new Table(body, (worker) => `${worker.worker}/${worker.pid}`, workerCells);
