// Asks the admin API.  The token is kept in sessionStorage: it belongs to this tab, and no browser sends it by itself,
// so that no other site can have this one act in the operator's name.

const TOKEN = "nano-admin-token";

/** The token is missing or wrong. */
export class UnauthorizedError extends Error {}

/** The server says what is wrong. */
export class ProblemError extends Error {}

/** @returns {boolean} whether there is a token to forget */
export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;

/** @param {string} token of any characters; a header carries bytes */
export const keepToken = (token) =>
  sessionStorage.setItem(TOKEN, String.fromCharCode(...new TextEncoder().encode(token)));

export const forgetToken = () => sessionStorage.removeItem(TOKEN);

/**
 * Asks, and gives the JSON of the answer.
 *
 * @param {string} path below /admin
 * @param {string} [method]
 * @returns {Promise<any>}
 */
export async function ask(path, method = "GET") {
  const token = sessionStorage.getItem(TOKEN);
  /** @type {Record<string, string>} */
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`/admin${path}`, { method, headers, cache: "no-store", credentials: "omit" });
  if (response.status === 401) throw new UnauthorizedError();
  const body = await response.json();
  if (!response.ok) {
    const parts = (body.errors ?? []).map((/** @type {{ detail: string }} */ error) => error.detail);
    throw new ProblemError([body.detail, ...parts].join("; "));
  }
  return body;
}
