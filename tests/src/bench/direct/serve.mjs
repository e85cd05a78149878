// Serves one worker from workerd itself, without the proxy of `wrangler dev` in front of it.
//
//   node serve.mjs EDGE_ENV tillsync|counted|hono|partyserver [FOLDER]
//
// EDGE_ENV is the file with the variables of the edge. Objects store into FOLDER, or into memory. Prints the URL, and
// ends with its standard input.

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [environment, worker, folderOfObjects] = process.argv.slice(2);
const folder = new URL("../../../../", import.meta.url);
const path = (name) => new URL(name, folder).pathname;

/** The worker as `cargo xtask edge` has built it. */
const tillsync = async () => [
  { type: "ESModule", path: path("edge/build/index.js") },
  { type: "CompiledWasm", path: path("edge/build/index_bg.wasm") },
];

/** The same, which tells how often it has called the runtime. */
const counted = async () => {
  const scripts = ["counted.mjs", "calls.mjs"].map((name) => ({
    type: "ESModule",
    path: path(`tests/src/bench/edge/${name}`),
  }));
  return [...scripts, ...(await tillsync())];
};

/** A worker beside ours, with the packages of `packages`. */
const bundled = async (file, ...packages) => {
  const options = {
    entryPoints: [path(`tests/src/bench/${file}`)],
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    nodePaths: packages.map(path),
    write: false,
  };
  const [output] = (await build(options)).outputFiles;
  return [{ type: "ESModule", path: path(`${worker}.js`), contents: output.text }];
};

/** The same read with Hono and jose. */
const hono = () => bundled("edge/hono.mjs");

/** A room with partyserver. */
const partyserver = () => bundled("rooms/partyserver.mjs", "tests/src/bench/rooms/partyserver/node_modules");

const bindings = parseEnv(await readFile(environment, "utf8"));
// Tills that poll are measured with another bound.
delete bindings.HEAD_BOUND_MILLIS;
const options = {
  name: worker,
  modules: await { tillsync, counted, hono, partyserver }[worker](),
  modulesRoot: path("."),
  compatibilityDate: "2026-11-01",
  bindings,
  durableObjects: { ROOM: { className: "Room", useSQLite: true } },
  ratelimits: { ADDRESS_FUSE: { namespace_id: "7001", simple: { limit: 1000, period: 10 } } },
  durableObjectsPersist: folderOfObjects,
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  // The workers write a line for each request; this process drops them.
  handleStructuredLogs: () => {},
};
const runtime = new Miniflare(convertV4MiniflareOptions(options));
const url = await runtime.unsafeGetDirectURL();
console.log(url.origin);
process.stdin.resume().on("end", () => runtime.dispose());
