/** What the boot bundle offers to the chunks that are loaded later; made by build.mjs. */
declare module "nano:registry" {
  export const registry: () => { [module: string]: { [name: string]: unknown } };
}
