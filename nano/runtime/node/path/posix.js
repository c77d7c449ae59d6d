// node:path/posix: node:path knows no other.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/path.html

import { posix } from "node:path";

export * from "node:path";
export default posix;
