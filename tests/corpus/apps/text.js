// https://marked.js.org/, https://mustache.github.io/ (mustache.js), https://github.com/nodeca/js-yaml
import { dump, load } from "js-yaml";
import { marked } from "marked";
import Mustache from "mustache";

const VIEW = `{{#people}}* {{name}}{{^last}},{{/last}}
{{/people}}{{{raw}}} {{raw}}`;

const routes = {
  "/markdown": async (request) => marked.parse(await request.text()),
  "/mustache": async (request) => Mustache.render(VIEW, await request.json()),
  "/yaml": async (request) => JSON.stringify(load(await request.text())),
  "/dump": async (request) => dump(await request.json()),
};

export default {
  async fetch(request) {
    return new Response(await routes[new URL(request.url).pathname](request));
  },
};
