// The status page: asks the admin API every other second, as long as somebody looks, and shows what it says.

import { Chart } from "./chart.js";
import { ask, forgetToken, hasToken, keepToken, ProblemError, UnauthorizedError } from "./client.js";
import { Errors, Log } from "./log.js";
import { appTable, workerTable } from "./tables.js";
import { bytes, count, milliseconds, percent, rate } from "./text.js";

/** Milliseconds between two looks, and how many of them a chart has. */
const INTERVAL = 2000;
const POINTS = 150;

/** @typedef {import("./tables.js").App} App */
/** @typedef {Pick<App, "requests_per_second" | "p50_ms" | "p99_ms" | "cpu_percent" | "memory_bytes">} Figures */

/**
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
const get = (id) => /** @type {Kind} */ (document.getElementById(id));

const charted = /** @type {HTMLSelectElement} */ (get("charted"));
const logApp = /** @type {HTMLSelectElement} */ (get("log-app"));
const logLevel = /** @type {HTMLSelectElement} */ (get("log-level"));
const logPause = /** @type {HTMLInputElement} */ (get("log-pause"));
const filter = /** @type {HTMLInputElement} */ (get("filter"));
const token = /** @type {HTMLInputElement} */ (get("token"));
const dialog = /** @type {HTMLDialogElement} */ (get("confirm"));

const requestsChart = new Chart("Requests per second", POINTS, rate);
const latencyChart = new Chart("Latency", POINTS, milliseconds);
const cpuChart = new Chart("CPU", POINTS, percent);
const memoryChart = new Chart("Memory", POINTS, bytes);
get("charts").append(...[requestsChart, latencyChart, cpuChart, memoryChart].map((chart) => chart.element));

const apps = appTable(
  get("apps"),
  (name) => void remove(name),
  (name) => void release(name),
);
const workers = workerTable(get("workers"));
const errors = new Errors(get("errors"));
const log = new Log(get("log"));

/** @type {Map<string, Figures[]>} by app; "" is all of them */
const history = new Map();
/** @type {App[]} */
let known = [];
/** How far the log is known; undefined before the first answer. */
let /** @type {string | undefined} */ cursor;
let /** @type {number | undefined} */ timer;
/** Of the filters of the log: what was asked before they changed is no part of what is shown now. */
let generation = 0;
let failing = false;

// --- looking -----------------------------------------------------------------------------------

async function look() {
  clearTimeout(timer);
  timer = undefined;
  const began = cursor;
  const asked = generation;
  const query = new URLSearchParams({ level: logLevel.value, limit: "200" });
  if (logApp.value) query.set("app", logApp.value);
  if (cursor !== undefined) query.set("after", cursor);
  try {
    const [told, processes, problems, lines] = await Promise.all([
      ask("/apps"),
      ask("/workers"),
      ask("/errors"),
      logPause.checked ? undefined : ask(`/logs?${query}`),
    ]);
    signedIn();
    showApps(told);
    workers.show(processes.workers);
    errors.show(problems.errors);
    get("no-errors").hidden = problems.errors.length > 0;
    if (failing) say("");
    failing = false;
    // Of two that ask at the same time, one shows what is new.
    if (lines && began === cursor && asked === generation) {
      cursor = lines.next;
      log.add(lines.lines);
    }
  } catch (error) {
    if (error instanceof UnauthorizedError) return signIn(hasToken() ? "The server does not know this token." : "");
    failing = true;
    say(error instanceof ProblemError ? error.message : "The server does not answer; trying again.");
  }
  again();
}

function again() {
  clearTimeout(timer);
  timer = document.hidden ? undefined : setTimeout(() => void look(), INTERVAL);
}

/** @param {{ apps: App[], total: Omit<Figures, "memory_bytes">, note: string }} told */
function showApps(told) {
  known = told.apps;
  const memory = known.reduce((sum, app) => sum + app.memory_bytes, 0);
  remember("", { ...told.total, memory_bytes: memory });
  for (const app of known) remember(app.name, app);
  for (const name of history.keys()) {
    if (name && !known.some((app) => app.name === name)) history.delete(name);
  }
  get("app-count").textContent = `(${count(known.length)})`;
  get("note").textContent = known.some((app) => app.origin === "api") ? told.note : "";
  for (const choice of [charted, logApp]) offer(choice);
  filtered();
  draw();
}

/**
 * @param {string} name
 * @param {Figures} figures
 */
function remember(name, figures) {
  const list = history.get(name) ?? [];
  list.push(figures);
  if (list.length > POINTS) list.shift();
  history.set(name, list);
}

/** @param {HTMLSelectElement} choice */
function offer(choice) {
  const names = known.map((app) => app.name);
  const offered = [...choice.options].slice(1).map((option) => option.value);
  if (names.join("\n") === offered.join("\n")) return;
  const chosen = choice.value;
  choice.replaceChildren(...[choice.options[0] ?? "", ...names.map((name) => new Option(name, name))]);
  choice.value = names.includes(chosen) ? chosen : "";
}

function filtered() {
  const wanted = filter.value.trim().toLowerCase();
  apps.show(known.filter((app) => [app.name, ...app.hostnames].some((name) => name.toLowerCase().includes(wanted))));
}

function draw() {
  const list = history.get(charted.value) ?? [];
  requestsChart.draw([{ name: "", values: list.map((figures) => figures.requests_per_second) }]);
  latencyChart.draw([
    { name: "p50", values: list.map((figures) => figures.p50_ms) },
    { name: "p99", values: list.map((figures) => figures.p99_ms) },
  ]);
  cpuChart.draw([{ name: "", values: list.map((figures) => figures.cpu_percent) }]);
  memoryChart.draw([{ name: "", values: list.map((figures) => figures.memory_bytes) }]);
}

// --- changing ----------------------------------------------------------------------------------

/**
 * Asks the operator, in words that say what will happen.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
function confirmed(title, text, yes) {
  get("confirm-title").textContent = title;
  get("confirm-text").textContent = text;
  get("confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/**
 * @param {string} doing
 * @param {() => Promise<string>} change gives what to say when it is done
 */
async function change(doing, change) {
  say(doing);
  let text;
  try {
    text = await change();
  } catch (error) {
    if (error instanceof UnauthorizedError) return signIn("The server does not know this token.");
    text = error instanceof ProblemError ? `That did not work: ${error.message}` : "The server does not answer.";
  }
  await look();
  say(text);
}

async function reload() {
  const text = "The configuration and the apps are read again. What was changed through the API is undone. No request is lost.";
  if (!(await confirmed("Reload the configuration?", text, "Reload"))) return;
  await change("Reloading…", async () => {
    const result = await ask("/reload", "POST");
    const failed = Object.keys(result.failed);
    const parts = ["created", "replaced", "removed"].map((word) => `${result[word].length} ${word}`);
    return `Reloaded: ${parts.join(", ")}${failed.length ? `; failed to load: ${failed.join(", ")}` : ""}.`;
  });
}

/** @param {string} name */
async function remove(name) {
  const text = "It finishes the requests that it has and gets no new ones. It comes back with the next restart or reload if the configuration has it.";
  if (!(await confirmed(`Remove the app ${name}?`, text, "Remove"))) return;
  await change(`Removing ${name}…`, async () => {
    const result = await ask(`/apps/${encodeURIComponent(name)}`, "DELETE");
    return result.result === "drained" ? `Removed ${name}.` : `Removed ${name}; requests that took too long were cut.`;
  });
}

/** @param {string} name */
async function release(name) {
  const text = "It brought down workers, and was to wait. It gets requests again at once.";
  if (!(await confirmed(`Release the app ${name} from quarantine?`, text, "Release"))) return;
  await change(`Releasing ${name}…`, async () => {
    const result = await ask(`/apps/${encodeURIComponent(name)}/release`, "POST");
    return result.result === "released" ? `Released ${name}.` : `${name} was not in quarantine any more.`;
  });
}

// --- signing in --------------------------------------------------------------------------------

/** @param {string} problem */
function signIn(problem) {
  clearTimeout(timer);
  forgetToken();
  if (dialog.open) dialog.close();
  get("sign-in-problem").textContent = problem;
  get("sign-in").hidden = false;
  get("status").hidden = get("actions").hidden = true;
  say("");
  token.focus();
}

function signedIn() {
  if (!get("status").hidden) return;
  get("sign-in").hidden = true;
  get("status").hidden = get("actions").hidden = false;
  get("sign-out").hidden = !hasToken();
  say("");
}

/** @param {string} text */
function say(text) {
  get("connection").textContent = text;
}

get("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(token.value.trim());
  token.value = "";
  void look();
});
get("sign-out").addEventListener("click", () => {
  history.clear();
  log.clear();
  cursor = undefined;
  generation++;
  signIn("");
});
get("reload").addEventListener("click", () => void reload());
get("confirm-yes").addEventListener("click", () => dialog.close("yes"));
get("confirm-no").addEventListener("click", () => dialog.close());
charted.addEventListener("change", draw);
filter.addEventListener("input", filtered);
for (const choice of [logApp, logLevel]) {
  choice.addEventListener("change", () => {
    log.clear();
    cursor = undefined;
    generation++;
    void look();
  });
}
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : void look()));

void look();
