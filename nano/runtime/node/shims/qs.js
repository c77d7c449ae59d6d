// For npm's "url": what it needs of a parser of queries.

import { parse, stringify as join } from "node:querystring";

/** @param {any} query */
export const stringify = (query) => join(query);
export { parse };
