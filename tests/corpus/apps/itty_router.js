// https://itty.dev/itty-router/: AutoRouter with parameters, middleware and errors.
import { AutoRouter, cors, error, json, withParams } from "itty-router";

const { preflight, corsify } = cors({ origin: "https://app.example" });
const todos = new Map([["1", { id: "1", text: "write tests" }]]);

// corsify() spreads the response, whose status is an accessor of its prototype: it would make a 200 of an error.
const allow = (response, request) => (response.ok && response.status === 200 ? corsify(response, request) : response);
const router = AutoRouter({ before: [preflight, withParams], finally: [allow] });

router
  .get("/todos", () => [...todos.values()])
  .get("/todos/:id", ({ id }) => todos.get(id) ?? error(404, "no such todo"))
  .post("/todos", async (request) => {
    const todo = { id: String(todos.size + 1), ...(await request.json()) };
    todos.set(todo.id, todo);
    return json(todo, { status: 201 });
  })
  .get("/search", ({ query }) => query)
  .get("/boom", () => {
    throw new Error("boom");
  });

export default router;
