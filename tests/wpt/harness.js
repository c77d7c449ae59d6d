/**
 * The JavaScript side of the harness: what a test page's environment gives and our runtime,
 * rightly, does not, and the way results leave.
 *
 * Nothing of this is part of the runtime. `wptHarness` is a lexical binding, invisible on
 * `globalThis`, shared with the scripts that the worker (worker.py) evaluates later.
 *
 * The values in `wptSetup` (declared by the worker before this script): `path`, `variant`,
 * `needsBase`, `needsLocation`.
 */
const wptHarness = (() => {
  "use strict";

  const { parse, stringify } = JSON;
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { apply, construct, deleteProperty } = Reflect;
  const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
  const origin = "http://web-platform.test:8000";

  // Kept by session.py before the runtime took it away.
  globalThis.eval = globalThis["wpt:eval"];
  delete globalThis["wpt:eval"];

  /** Questions for the worker, `[id, path]`; it answers with `deliver`. */
  let wanted = [];
  /** @type {Map<number, (answer: object) => void>} */
  const waiting = new Map();
  let nextId = 0;
  /** What a script of the file threw. */
  let thrown = null;
  let report = null;

  function hide(name, value) {
    if (getOwnPropertyDescriptor(globalThis, name) === undefined) {
      defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
  }

  /** Resolve a path against the test file, as far as tests need it: no URL class here. */
  function resolvePath(reference, keepQuery = false) {
    const [, path, rest] = /^([^?#]*)(.*)$/s.exec(reference);
    const folder = wptSetup.path.replace(/[^/]*$/, "");
    const base = path.startsWith("/") ? "" : path === "" ? wptSetup.path : folder;
    const kept = [];
    for (const part of (base + path).split("/")) {
      if (part === "..") kept.pop();
      else if (part !== "." && part !== "") kept.push(part);
    }
    return kept.join("/") + (keepQuery ? rest : "");
  }

  function load(path) {
    return new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      wanted.push([id, resolvePath(path)]);
    });
  }

  /**
   * The answer for a local file. It comes from the runtime's own fetch, of a data: URL, so that
   * it is a fetched response in every respect; or before the runtime has that, the little of a
   * response that tests of other things use.
   */
  function respond(fetch, init, { status, type, base64 }) {
    if (status !== 200 && fetch !== rejectFetch) return fetch("data:,", init).then(() => new Response(null, { status }));
    if (status !== 200) return new Response(null, { status });
    if (fetch !== rejectFetch) return fetch(`data:${type};base64,${base64}`, init);
    const bytes = Uint8Array.fromBase64(base64);
    const text = async () => {
      let encoded = "";
      for (const byte of bytes) encoded += "%" + (byte + 256).toString(16).slice(1);
      return decodeURIComponent(encoded);
    };
    return { ok: true, status, text, json: async () => parse(await text()) };
  }

  /** For a runtime without it. */
  async function rejectFetch() {
    throw new TypeError("fetch is not defined");
  }

  /** Local files answer what has no scheme; everything else is the runtime's business. */
  function installFetch() {
    let holder = globalThis;
    while (holder !== null && getOwnPropertyDescriptor(holder, "fetch") === undefined) holder = getPrototypeOf(holder);
    const missing = { writable: true, configurable: true, value: rejectFetch };
    const descriptor = holder === null ? missing : getOwnPropertyDescriptor(holder, "fetch");
    const value = new Proxy(descriptor.value, {
      apply(target, receiver, args) {
        let [input, init] = args;
        if (typeof input === "string" && input.startsWith(`${origin}/`)) input = input.slice(origin.length);
        if (typeof input !== "string" || SCHEME.test(input)) return apply(target, receiver, args);
        return load(input).then((answer) => respond(target, init, answer));
      },
    });
    defineProperty(holder ?? globalThis, "fetch", { ...descriptor, value });
  }

  /** A page's URL is the base of its requests; an app has none, so the runtime knows of none. */
  function installRequestBase() {
    const original = globalThis.Request;
    if (original === undefined || globalThis.Response === undefined) return;
    const absolute = (args) => {
      const [input] = args;
      if (typeof input === "string" && !SCHEME.test(input)) {
        args[0] = input.startsWith("//") ? `http:${input}` : `${origin}/${resolvePath(input, true)}`;
      }
      return args;
    };
    const based = new Proxy(original, {
      construct(target, args, newTarget) {
        return construct(target, absolute(args), newTarget === based ? target : newTarget);
      },
    });
    const { prototype } = original;
    const constructor = getOwnPropertyDescriptor(prototype, "constructor");
    defineProperty(prototype, "constructor", { ...constructor, value: based });
    const descriptor = getOwnPropertyDescriptor(globalThis, "Request");
    defineProperty(globalThis, "Request", { ...descriptor, value: based });
    const redirect = getOwnPropertyDescriptor(Response, "redirect");
    const value = new Proxy(redirect.value, {
      apply: (target, receiver, args) => apply(target, receiver, absolute(args)),
    });
    defineProperty(Response, "redirect", { ...redirect, value });
  }

  function installLocation() {
    const pathname = "/" + wptSetup.path;
    const search = wptSetup.variant;
    hide("location", {
      href: origin + pathname + search, origin, protocol: "http:", host: "web-platform.test:8000",
      hostname: "web-platform.test", port: "8000", pathname, search, hash: "",
      toString() { return this.href; },
    });
  }

  /** testharness.js would report to the owner of a worker if it saw one of these; we have none. */
  const scopes = new Map();
  for (const name of ["WorkerGlobalScope", "ServiceWorkerGlobalScope"]) {
    const descriptor = getOwnPropertyDescriptor(globalThis, name);
    if (descriptor === undefined) continue;
    scopes.set(name, descriptor);
    deleteProperty(globalThis, name);
  }

  hide("self", globalThis);
  hide("GLOBAL", { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false });
  installFetch();
  if (wptSetup.needsBase) installRequestBase();
  if (wptSetup.needsLocation) installLocation();

  const statuses = ["PASS", "FAIL", "TIMEOUT", "NOTRUN", "PRECONDITION_FAILED"];
  const harnessStatuses = ["OK", "ERROR", "TIMEOUT", "PRECONDITION_FAILED"];

  function subtest(test) {
    return [test.name, statuses[test.status], test.message ?? ""];
  }

  return {
    /** After testharness.js: take the results, and wait for `done()` as a worker does. */
    attach() {
      for (const [name, descriptor] of scopes) defineProperty(globalThis, name, descriptor);
      // Tells idlharness.js which interfaces have to be there.
      hide("DedicatedWorkerGlobalScope", class DedicatedWorkerGlobalScope {
        static [Symbol.hasInstance](value) { return value === globalThis; }
      });
      add_completion_callback((tests, { status, message }) => {
        report = {
          status: thrown === null ? harnessStatuses[status] : "ERROR",
          message: thrown ?? message ?? "",
          subtests: tests.map(subtest),
        };
      });
      setup({ explicit_done: true });
    },
    /** What the worker has to know now, as JSON; empty when there is nothing. */
    poll() {
      if (report === null && wanted.length === 0) return "";
      const asked = wanted;
      wanted = [];
      return stringify({ wanted: asked, report });
    },
    deliver(id, answer) {
      waiting.get(id)(answer);
      waiting.delete(id);
    },
    /** A script threw: no further one comes. */
    fail(message) {
      thrown = message;
      done();
    },
  };
})();
"";
