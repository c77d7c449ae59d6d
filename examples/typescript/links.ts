// From what stands in the configuration to what the handler works with.

export interface Link {
  readonly url: string;
  readonly permanent: boolean;
  readonly keepQuery: boolean;
}

/** What may be written: the target alone, or with options. */
export type LinkTable = Readonly<Record<string, string | (Partial<Link> & Pick<Link, "url">)>>;

const DEFAULTS = { permanent: false, keepQuery: false } as const satisfies Omit<Link, "url">;

/**
 * Check and complete the table.
 *
 * @throws {TypeError} for a target that is no URL, which is better noticed before somebody follows it
 */
export function parseLinks(table: LinkTable): ReadonlyMap<string, Link> {
  const entries = Object.entries(table).map(([name, entry]): [string, Link] => {
    const link: Link = { ...DEFAULTS, ...(typeof entry === "string" ? { url: entry } : entry) };
    if (!URL.canParse(link.url)) throw new TypeError(`LINKS.${name}: ${link.url} is no URL`);
    return [name, link];
  });
  return new Map(entries);
}
