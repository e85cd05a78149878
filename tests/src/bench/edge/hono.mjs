// The pull at the head of a room as one would write it with Hono and jose: the yardstick of `cargo xtask bench edge`.
//
// It does what the edge does for this read: verify the token, ask Redis for the session once in five seconds, ask the
// room for its page, tag the page, answer with the same headers and write the same line.

import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { requestId } from "hono/request-id";
import { createLocalJWKSet, jwtVerify } from "jose";

/** As long as the edge trusts the status of a session. */
const SESSION_MILLIS = 5000;
/** As long as a session lives without a request. */
const SESSION_IDLE_SECS = 2 * 3600;

/** Keeps the page at the head of one branch. */
export class Room {
  pages = new Map();

  async fetch(request) {
    const { search } = new URL(request.url);
    if (request.method === "PUT") {
      this.pages.set(search, await request.text());
      return new Response(null, { status: 204 });
    }
    const page = this.pages.get(search);
    return page === undefined ? new Response(null, { status: 404 }) : new Response(page);
  }
}

/** Headers of every response. */
const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  vary: "origin",
  "x-content-type-options": "nosniff",
};
const CACHE = "tillsync-cache";
const COST = "tillsync-cost";

const id = () => crypto.randomUUID().replaceAll("-", "");

/** Adds the headers, and tells of the request. */
async function told(context, next) {
  const began = Date.now();
  const caller = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(context.req.header("traceparent") ?? "");
  const [, trace, flags] = caller ?? [null, id(), "00"];
  // Before the response exists: afterwards Hono makes another response for each header.
  for (const name in HEADERS) context.header(name, HEADERS[name]);
  context.header("traceparent", `00-${trace}-${id().slice(16)}-${flags}`);
  await next();
  const took = Date.now() - began;
  if (took > 0) context.header("server-timing", `edge;dur=${took}`);
  const { headers, status } = context.res;
  const line = {
    line: "edge",
    request_id: context.get("requestId"),
    trace_id: trace,
    route: "pullChanges",
    status,
    client: context.get("claims")?.client_id,
    cache: headers.get(CACHE),
    cost: headers.get(COST),
    edge_micros: took * 1000,
  };
  console.log(JSON.stringify(line));
}

let keys;
const sessions = new Map();

async function isActive(env, claims) {
  const known = sessions.get(claims.sid);
  if (known !== undefined && Date.now() - known < SESSION_MILLIS) return true;
  const redis = new Redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  const status = await redis.getex(`hono:${claims.client_id}:session:${claims.sid}`, { ex: SESSION_IDLE_SECS });
  if (status === "ended") return false;
  sessions.set(claims.sid, Date.now());
  return true;
}

async function authenticated(context, next) {
  keys ??= createLocalJWKSet(JSON.parse(context.env.ACCESS_JWKS));
  const token = context.req.header("authorization")?.replace(/^Bearer /, "") ?? "";
  try {
    const options = { algorithms: ["EdDSA"], issuer: "tillsync", audience: "tillsync-api" };
    const { payload } = await jwtVerify(token, keys, options);
    context.set("claims", payload);
  } catch {
    return context.json({ error: { code: "token_invalid" } }, 401);
  }
  if (!(await isActive(context.env, context.get("claims")))) {
    return context.json({ error: { code: "session_ended" } }, 401);
  }
  await next();
}

const room = (context) => {
  const { client_id: client, branch_id: branch } = context.get("claims");
  return context.env.ROOM.get(context.env.ROOM.idFromName(`${client}:${branch}`));
};

const app = new Hono();
app.use(requestId());
app.use(told);
app.use(authenticated);
app.get("/api/sync/pull-changes", etag(), async (context) => {
  const page = await room(context).fetch(context.req.raw.url);
  if (page.status !== 200) return context.json({ error: { code: "unavailable" } }, 503);
  const headers = { "content-type": "application/json", [CACHE]: "room", [COST]: "requests=0; write=0; read=0" };
  return context.body(await page.text(), 200, headers);
});
app.put("/api/sync/pull-changes", (context) => room(context).fetch(context.req.raw));

export default app;
