// Serves one worker from workerd itself, without the proxy of `wrangler dev` in front of it.
//
//   node serve.mjs tillsync|hono EDGE_ENV
//
// EDGE_ENV is the file with the variables of the edge. Prints the URL, and ends with its standard input.

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [worker, environment] = process.argv.slice(2);
const folder = new URL("../../../../", import.meta.url);
const path = (name) => new URL(name, folder).pathname;

/** The worker as `cargo xtask edge` has built it. */
const tillsync = async () => [
  { type: "ESModule", path: path("edge/build/index.js") },
  { type: "CompiledWasm", path: path("edge/build/index_bg.wasm") },
];

/** The same read with Hono and jose. */
const hono = async () => {
  const options = {
    entryPoints: [new URL("hono.mjs", import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    write: false,
  };
  const [output] = (await build(options)).outputFiles;
  return [{ type: "ESModule", path: path("hono.js"), contents: output.text }];
};

const bindings = parseEnv(await readFile(environment, "utf8"));
// Tills that poll are measured with another bound.
delete bindings.HEAD_BOUND_MILLIS;
const options = {
  name: worker,
  modules: await { tillsync, hono }[worker](),
  modulesRoot: path("."),
  compatibilityDate: "2026-11-01",
  bindings,
  durableObjects: { ROOM: { className: "Room", useSQLite: true } },
  ratelimits: { ADDRESS_FUSE: { namespace_id: "7001", simple: { limit: 1000, period: 10 } } },
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
};
const runtime = new Miniflare(convertV4MiniflareOptions(options));
const url = await runtime.unsafeGetDirectURL();
console.log(url.origin);
process.stdin.resume().on("end", () => runtime.dispose());
