// What npm packages say to a global `process`, which does not exist here (esbuild's `inject`).

const cwd = () => "/";
const nothing = undefined;

export { cwd as "process.cwd", nothing as "process.emitWarning", nothing as "process.stderr" };
