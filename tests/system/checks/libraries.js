// Requests and responses as libraries copy, extend, wrap and derive from them. Run by ../test_platform.py, in a handler.

export const checks = {
  async copyResponse() {
    const first = new Response("text", { status: 201, headers: { "x-a": "1" } });
    const copy = new Response(first.body, first);
    copy.headers.set("x-b", "2");
    same([copy.status, copy.headers.get("x-a"), first.headers.get("x-b"), await copy.text()], [201, "1", null, "text"]);
  },
  async copyRequest(request) {
    const copy = new Request("http://other/x", request);
    same([copy.method, copy.url, copy.headers.get("x-sent"), await copy.text()], ["POST", "http://other/x", "yes", "the body"]);
  },
  async changeRequest(request) {
    const copy = new Request(request, { headers: { "x-other": "1" } });
    same([copy.method, copy.headers.get("x-sent"), await copy.text()], ["POST", null, "the body"]);
  },
  extraProperties(request) {
    request.params = { id: "7" };
    request.user ??= "someone";
    Object.assign(request, { query: { a: 1 } });
    same([request.params.id, request.user, request.query.a], ["7", "someone", 1]);
  },
  async proxy(request) {
    const proxied = new Proxy(request, {
      get(target, key) {
        if (key === "extra") return "here";
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    same([proxied.extra, proxied.method, proxied.headers.get("x-sent"), await proxied.text()], ["here", "POST", "yes", "the body"]);
  },
  async assignFetch() {
    const original = globalThis.fetch;
    globalThis.fetch = async () => new Response("mocked");
    try { same(await (await fetch("http://anything")).text(), "mocked"); } finally { globalThis.fetch = original; }
  },
  subclasses() {
    class MyRequest extends Request { get shout() { return this.method.toLowerCase(); } }
    class MyResponse extends Response { static teapot() { return new this("short", { status: 418 }); } }
    class MyError extends Error { name = "MyError"; }
    class MyTarget extends EventTarget {}
    same([new MyRequest("http://x/").shout, MyResponse.teapot().status, MyResponse.teapot() instanceof Response], ["get", 418, true]);
    same([`${new MyError("m")}`, new MyTarget() instanceof EventTarget], ["MyError: m", true]);
  },
  async nodeStyleChecks(request) {
    same(Object.prototype.toString.call(request), "[object Request]");
    same(Object.prototype.toString.call(new Headers()), "[object Headers]");
    same([typeof request.headers.entries, typeof Headers.prototype.getSetCookie], ["function", "function"]);
    const { method, url } = request;
    same([method, new URL(url).pathname], ["POST", "/path"]);
  },
  cookies() {
    const headers = new Headers();
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2");
    same([headers.getSetCookie(), [...headers]], [["a=1; Path=/", "b=2"], [["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2"]]]);
  },
  async bodyTwice(request) {
    await request.text();
    let error;
    try { await request.text(); } catch (e) { error = e; }
    same([request.bodyUsed, error instanceof TypeError], [true, true]);
  },
};
