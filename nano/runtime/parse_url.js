// The basic URL parser: the fast way, or the whole of it.
//
// Standard: https://url.spec.whatwg.org/#concept-basic-url-parser

import { parseUnusualURL } from "./url_parser.js";
import { parsePlainHttp } from "./url_plain_http.js";

/** @typedef {import("./url_record.js").URLRecord} URLRecord */

/**
 * The basic URL parser without encoding and state override.
 *
 * @see https://url.spec.whatwg.org/#concept-basic-url-parser
 * @param {string} text without lone surrogates
 * @param {URLRecord | null} [base]
 * @returns {URLRecord | null} null for failure
 */
export const parseURL = (text, base = null) => parsePlainHttp(text) ?? parseUnusualURL(text, base);
