// A small router: patterns such as "/weekday/:date", handlers that return plain values, errors with a status.

/** What a handler throws to answer with an error of its choice. */
export class HttpError extends Error {
  name = "HttpError";

  /**
   * @param {number} status
   * @param {string} message what the client is told
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Router {
  #routes = [];

  get = (path, handler) => this.#add("GET", path, handler);
  post = (path, handler) => this.#add("POST", path, handler);

  /** All routes, as text. */
  get routes() {
    return this.#routes.map(({ method, path }) => `${method} ${path}`);
  }

  #add(method, path, handler) {
    this.#routes.push({ method, path, pattern: new URLPattern({ pathname: path }), handler });
  }

  /** Answer a request with what its handler returns, as JSON. */
  async handle(request) {
    try {
      return Response.json(await this.#dispatch(request));
    } catch (error) {
      // Anything else is a bug: let it through, so that it becomes a 500 and its stack reaches the log.
      if (!(error instanceof HttpError)) throw error;
      const headers = error.allow ? { allow: error.allow } : {};
      return Response.json({ error: error.message }, { status: error.status, headers });
    }
  }

  #dispatch(request) {
    const url = new URL(request.url);
    const here = this.#routes.filter(({ pattern }) => pattern.test({ pathname: url.pathname }));
    if (here.length === 0) throw new HttpError(404, `there is no ${url.pathname}`);

    // HEAD is a GET whose body is dropped on the way out.
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = here.find((candidate) => candidate.method === method);
    if (route === undefined) throw notAllowed(here);

    const { groups } = route.pattern.exec({ pathname: url.pathname }).pathname;
    const params = Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decode(text)]));
    return route.handler({ request, params, query: url.searchParams });
  }
}

/** @param {{ method: string }[]} routes those of the path */
function notAllowed(routes) {
  const allow = routes.map(({ method }) => method).join(", ");
  return Object.assign(new HttpError(405, `this path knows ${allow}`), { allow });
}

/** @param {string} text a part of a path */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, `${text} is not well-formed`);
  }
}
