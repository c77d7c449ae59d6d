// node:assert/strict: node:assert, whose equal() is strictEqual() and so on.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/assert.html#strict-assertion-mode

import { strict } from "node:assert";

export const {
  AssertionError,
  deepEqual,
  deepStrictEqual,
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  equal,
  fail,
  ifError,
  match,
  notDeepEqual,
  notDeepStrictEqual,
  notEqual,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} = strict;

export { strict };
export default strict;
