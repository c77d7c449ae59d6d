// The documentation site: Astro with Starlight, built to plain files that ask no other server for anything.

import starlight from "@astrojs/starlight";
import { defineConfig, passthroughImageService } from "astro/config";
import { wideTables } from "./wide_tables.mjs";

/** A section whose pages are named, in the order of reading. */
const section = (label, folder, pages) => ({ label, items: pages.map((page) => `${folder}/${page}`) });

export default defineConfig({
  // No image of the site needs processing.
  image: { service: passthroughImageService() },
  markdown: { rehypePlugins: [wideTables] },
  integrations: [
    // A sitemap needs the address of the site, which only those know who publish it: this one stands in its place.
    { name: "@astrojs/sitemap", hooks: {} },
    starlight({
      title: "nano",
      description: "Serve many small JavaScript services, written as for Cloudflare Workers, from one daemon.",
      // Every request of a page stays on its own server.
      credits: false,
      customCss: ["./src/styles/site.css"],
      sidebar: [
        section("Getting started", "getting-started", [
          "install",
          "first-app",
          "several-apps",
          "typescript",
          "scripts",
          "from-workers",
          "from-node",
        ]),
        section("Configuration", "configuration", ["guide", "reference"]),
        section("Web APIs", "web-apis", [
          "overview",
          "handlers",
          "modules",
          "fetch",
          "streams",
          "url",
          "encoding",
          "blob",
          "crypto",
          "compression",
          "events",
          "timers",
          "messages",
          "console",
          "webassembly",
          "node",
          "not-there",
          "conformance",
        ]),
        section("Operating", "operating", [
          "running",
          "reload",
          "status-page",
          "admin-api",
          "openapi",
          "logs",
          "metrics",
          "grafana",
          "errors",
          "limits",
          "hostile-code",
          "sizing",
          "command-line",
        ]),
        section("Deployment", "deployment", ["systemd", "proxies", "containers", "kubernetes"]),
        section("Twisted", "twisted", ["embedding"]),
        section("Contributors", "contributors", ["architecture", "decisions", "performance", "glossary"]),
      ],
    }),
  ],
});
