// For the type checker: what the modules here import that is no file.

declare module "nano:internals" {
  type Frame = Map<object, any>;
  export const bindToFrame: <F extends Function>(callback: F) => F;
  export const currentEnvironment: () => Record<string, any>;
  export const currentFrame: () => Frame | undefined;
  export const exchangeFrame: (frame: Frame | undefined) => Frame | undefined;
  export const fillRandom: (bytes: Uint8Array) => void;
  export const format: (args: readonly any[], options?: object) => string;
  export const hostAskBytes: (name: string, question: Uint8Array) => Uint8Array;
  export const hostNow: () => number;
  export const inspect: (value: any, options?: object) => string;
  export const runInFrame: (frame: Frame | undefined, callback: Function, self: any, args: ArrayLike<any>) => any;
}
declare module "buffer/";
declare module "assert/*";
declare module "events/*";
declare module "path-browserify";
declare module "readable-stream/*";
declare module "string_decoder/*";
declare module "url/*";
