// How long a fresh isolate takes to start the worker, and to answer a first request with it.
//
//   node start.mjs EDGE_ENV ROUNDS
//
// EDGE_ENV is the file with the variables of the edge. In one workerd, turn by turn, three workers are each loaded into
// an isolate of their own and asked for their health: an empty one, an empty one that has started ours, and ours, as
// `cargo xtask edge` has built it. Prints a line of JSON per round with the microseconds of each.

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [environment, rounds] = process.argv.slice(2);
const folder = new URL("../../../../", import.meta.url);
const path = (name) => new URL(name, folder).pathname;

const LOADER = `
import script from "./script.txt";
import wasm from "./wasm.bin";

const compatibilityDate = "2026-11-01";
const edge = { "edge.js": script, "index_bg.wasm": { wasm } };
const empty = "export default { fetch: () => new Response() };";
const modules = {
  empty: { "index.js": empty },
  started: { "index.js": 'import "./edge.js";' + empty, ...edge },
  answering: { "index.js": 'export * from "./edge.js"; export { default } from "./edge.js";', ...edge },
};

export default {
  async fetch(request, { LOADER, VARIABLES }) {
    const [, worker, round] = new URL(request.url).pathname.split("/");
    const code = { compatibilityDate, mainModule: "index.js", modules: modules[worker], env: VARIABLES };
    const isolate = LOADER.get(worker + round, () => code);
    const { status } = await isolate.getEntrypoint().fetch("http://worker/healthz");
    return new Response(null, { status });
  },
};
`;

const options = {
  name: "start",
  modules: [
    { type: "ESModule", path: path("loader.mjs"), contents: LOADER },
    { type: "Text", path: path("script.txt"), contents: await readFile(path("edge/build/index.js"), "utf8") },
    { type: "Data", path: path("wasm.bin"), contents: await readFile(path("edge/build/index_bg.wasm")) },
  ],
  modulesRoot: path("."),
  compatibilityDate: "2026-11-01",
  bindings: { VARIABLES: parseEnv(await readFile(environment, "utf8")) },
  workerLoaders: { LOADER: {} },
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  handleStructuredLogs: () => {},
};
const runtime = new Miniflare(convertV4MiniflareOptions(options));
const { origin } = await runtime.unsafeGetDirectURL();

async function micros(worker, round) {
  const began = performance.now();
  const { status } = await fetch(`${origin}/${worker}/${round}`);
  if (status !== 200) throw new Error(`${worker} answers ${status}`);
  return Math.round((performance.now() - began) * 1000);
}

for (let round = 0; round < Number(rounds); round += 1) {
  const times = {};
  for (const worker of ["empty", "started", "answering"]) times[worker] = await micros(worker, round);
  console.log(JSON.stringify(times));
}
await runtime.dispose();
