// https://hono.dev/docs/: routing, middleware, validation by hand, streaming, context storage (AsyncLocalStorage).
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { contextStorage, getContext } from "hono/context-storage";
import { getCookie, setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { sign, verify } from "hono/jwt";
import { secureHeaders } from "hono/secure-headers";
import { streamText } from "hono/streaming";

const app = new Hono();

app.use(contextStorage());
app.use("/api/*", cors({ origin: "https://app.example", allowMethods: ["GET", "POST"] }));
app.use("/admin/*", basicAuth({ username: "root", password: "secret" }));
app.use("/safe", secureHeaders());
app.use("/etag", etag());

app.get("/", (c) => c.text("Hello Hono!"));
app.get("/json/:id{[0-9]+}", (c) => c.json({ id: Number(c.req.param("id")), q: c.req.queries("q") ?? [] }, 201));
app.post("/api/echo", async (c) => c.json(await c.req.json()));
app.post("/form", async (c) => {
  const form = await c.req.parseBody();
  return c.text(`${form.name}: ${await form.file.text()}`);
});
app.get("/admin/page", (c) => c.html("<h1>admin</h1>"));
app.get("/safe", (c) => c.body("ok"));
app.get("/etag", (c) => c.text("same"));
app.get("/env", (c) => c.text(`${c.env.GREETING} ${navigator.userAgent}`));
app.get("/stream", (c) =>
  streamText(c, async (stream) => {
    for (const part of ["a", "b", "c"]) {
      await stream.write(part);
      await stream.sleep(1);
    }
  }),
);
app.get("/cookie", (c) => {
  const seen = getCookie(c, "count") ?? "0";
  setCookie(c, "count", String(Number(seen) + 1), { path: "/", httpOnly: true });
  return c.text(seen);
});
app.get("/jwt", async (c) => {
  const token = await sign({ sub: "ada", role: "admin" }, "key", "HS256");
  return c.json(await verify(token, "key", "HS256"));
});
const later = async () => {
  await scheduler.wait(1);
  return getContext().req.query("id");
};
app.get("/context", async (c) => c.text(await later()));
app.get("/teapot", () => {
  throw new HTTPException(418, { message: "short and stout" });
});
app.get("/boom", () => {
  throw new Error("boom");
});
app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text(`caught ${error.message}`, 500)));
app.notFound((c) => c.text("no such page", 404));

export default app;
