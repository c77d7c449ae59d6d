// node:path, from https://github.com/browserify/path-browserify: that of POSIX; the current directory is "/".
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/path.html

import path from "path-browserify";

export const { basename, delimiter, dirname, extname, format, isAbsolute, join, normalize, parse, posix, relative, resolve, sep } = path;

/** @param {string} text */
export const toNamespacedPath = (text) => text;

path.toNamespacedPath = toNamespacedPath;

export default path;
