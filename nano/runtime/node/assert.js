// node:assert, from https://github.com/browserify/commonjs-assert.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/assert.html

import assert from "assert/build/assert.js";

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
  strict,
  strictEqual,
  throws,
} = assert;

export default assert;
