// For the comparisons of npm's "assert", which are part of node:util here.

export * as types from "node:util/types";
