// node:process: for those who import it; there is no global of that name.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/process.html, as far as there is a process to speak of.
// `process.env` holds the app's env: strings as they are, other values as JSON, as on Workers.

import { currentEnvironment, hostNow } from "nano:internals";
import { EventEmitter } from "node:events";

/** @param {Record<string, any>} environment */
function textsOf(environment) {
  /** @type {Record<string, string>} */
  const texts = {};
  for (const name of Object.keys(environment)) {
    const value = environment[name];
    texts[name] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return texts;
}

export const env = textsOf(currentEnvironment());
export const argv = /** @type {string[]} */ ([]);
export const argv0 = "nano";
export const execArgv = /** @type {string[]} */ ([]);
export const execPath = "";
export const title = "nano";
export const platform = "linux";
export const arch = "x64";
export const pid = 1;
export const ppid = 0;
export const version = "v22.0.0";
export const versions = { node: "22.0.0" };
export const release = { name: "node" };
export const config = {};
export const features = {};
export const exitCode = undefined;

export const cwd = () => "/";
export const umask = () => 0;
export const uptime = () => hostNow() / 1000;
export const memoryUsage = () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 });

/** @param {Function} callback @param {...any} args */
export function nextTick(callback, ...args) {
  queueMicrotask(() => Reflect.apply(callback, undefined, args));
}

/** The coarse clock of apps. @param {[number, number]} [since] @returns {[number, number]} */
export function hrtime(since = [0, 0]) {
  const nanoseconds = hrtime.bigint() - (BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]));
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
}

hrtime.bigint = () => BigInt(Math.round(hostNow() * 1000)) * 1000n;

/** @param {any} warning @param {any} [type] a name, or options */
export function emitWarning(warning, type = undefined) {
  const name = typeof type === "string" ? type : (type?.type ?? warning?.name ?? "Warning");
  console.warn(typeof warning === "string" ? `${name}: ${warning}` : warning);
}

/** @returns {never} */
export function exit() {
  throw new Error("process.exit() is not available: an app cannot end the server.");
}

/** @returns {never} */
export function chdir() {
  throw new Error("process.chdir() is not available: there is no file system.");
}

const process = Object.assign(new EventEmitter(), {
  arch,
  argv,
  argv0,
  chdir,
  config,
  cwd,
  emitWarning,
  env,
  execArgv,
  execPath,
  exit,
  exitCode,
  features,
  hrtime,
  memoryUsage,
  nextTick,
  pid,
  platform,
  ppid,
  release,
  title,
  umask,
  uptime,
  version,
  versions,
});

/** @param {string} name */
const emitting = (name) => process[name].bind(process);
export const on = emitting("on");
export const once = emitting("once");
export const off = emitting("off");
export const emit = emitting("emit");
export const addListener = emitting("addListener");
export const removeListener = emitting("removeListener");
export const removeAllListeners = emitting("removeAllListeners");
export const listeners = emitting("listeners");
export const listenerCount = emitting("listenerCount");

export default process;
