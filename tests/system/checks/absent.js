// What apps must not find. Run by ../test_platform.py, in a handler.

export const checks = {
  names() {
    const absent = ["location", "window", "document", "process", "Buffer", "global", "require", "module", "exports",
      "__dirname", "Deno", "Bun", "SharedArrayBuffer", "nano", "XMLHttpRequest", "localStorage", "gc", "importScripts"];
    same(absent.filter((name) => name in globalThis), []);
  },
  keys() { same(Object.keys(globalThis).filter((key) => key !== "same"), []); },
  machinery() {
    const odd = Reflect.ownKeys(globalThis).filter((key) => /nano|host|outbox|inbox|primordial/i.test(String(key)));
    same(odd.map(String), []);
  },
  atomics() { same(["wait", "waitAsync", "notify"].filter((name) => name in Atomics), []); },
  codeGeneration() {
    const refused = [() => eval("1"), () => new Function("return 1"), () => (async () => {}).constructor("1")].map((make) => {
      try { make(); return "made"; } catch (error) { return error.name; }
    });
    same(refused, ["EvalError", "EvalError", "EvalError"]);
  },
  userAgent() { same(navigator.userAgent, "Cloudflare-Workers"); },
};
