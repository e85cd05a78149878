// The worker as `cargo xtask edge` has built it, which tells at `/calls` how often it has called the runtime.

import { WorkerEntrypoint } from "cloudflare:workers";
import { count } from "./calls.mjs";
import Edge, { Room } from "../../../../edge/build/index.js";

export { Room };

export default class extends WorkerEntrypoint {
  fetch(request) {
    if (new URL(request.url).pathname === "/calls") return new Response(String(count()));
    return new Edge(this.ctx, this.env).fetch(request);
  }
}
