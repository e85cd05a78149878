import BuiltEdge, { Room as BuiltRoom } from "EDGE";
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
const begun = {};
const calls = {}, faults = {}, writes = {}, names = new WeakMap();
let cacheFault = "none";
const cacheApi = Object.getPrototypeOf(caches.default), cached = new Set();
const { match, put } = cacheApi;
cacheApi.put = function (url, ...rest) {
  cached.add(url);
  return put.call(this, url, ...rest);
};
cacheApi.match = async function (url, ...rest) {
  if (cacheFault === "throw") throw new Error("this cache fails in a test");
  if (cacheFault === "hang") await scheduler.wait(60_000);
  if (cacheFault === "garbage") {
    const found = await match.call(this, url, ...rest);
    return found && new Response("<html>", { headers: found.headers });
  }
  if (cacheFault === "foreign") {
    const tenant = (address) => new URL(address).pathname.split("/")[1];
    url = [...cached].find((other) => tenant(other) !== tenant(url));
  }
  return match.call(this, url, ...rest);
};
const count = (storage, call, rows) => {
  const name = names.get(storage);
  writes[name] = { ...writes[name], [call]: (writes[name]?.[call] ?? 0) + rows };
};
const rowsOf = (key) => (typeof key === "string" ? 1 : Array.isArray(key) ? key.length : Object.keys(key).length);
const observe = (storage) => {
  const api = Object.getPrototypeOf(storage);
  if (api.isObserved) return;
  api.isObserved = true;
  for (const call of ["put", "delete", "setAlarm", "deleteAlarm"]) {
    const made = api[call];
    api[call] = function (key, ...rest) {
      count(this, call, call.endsWith("Alarm") ? 1 : rowsOf(key));
      return made.call(this, key, ...rest);
    };
  }
};
export default class Edge extends WorkerEntrypoint {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/test/begun") {
      return new Response(String(begun[url.searchParams.get("room")] ?? 0));
    }
    if (url.pathname === "/test/version") return new Response("VERSION");
    if (url.pathname.startsWith("/test/cache/")) {
      cacheFault = url.pathname.slice("/test/cache/".length);
      return Response.json(null);
    }
    if (url.pathname.startsWith("/test/")) {
      const room = this.env.ROOM.get(this.env.ROOM.idFromName(url.searchParams.get("room")));
      return room.fetch(request);
    }
    return new BuiltEdge(this.ctx, this.env).fetch(request);
  }
}
export class Room extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    names.set(ctx.storage, ctx.id.name);
    observe(ctx.storage);
    this.begin();
  }
  begin() {
    begun[this.ctx.id.name] = (begun[this.ctx.id.name] ?? 0) + 1;
    this.room = new BuiltRoom(this.ctx, this.env);
  }
  async fetch(request) {
    const { pathname: path } = new URL(request.url);
    const name = this.ctx.id.name;
    if (path === "/test/calls") return Response.json(calls[name] ?? {});
    if (path.startsWith("/test/fail/")) {
      faults[name] = path.slice("/test/fail/".length);
      return Response.json(null);
    }
    if (path.startsWith("/test/end/")) {
      const sessions = path.slice("/test/end/".length);
      await this.room.fetch(new Request(`http://room/end?sessions=${sessions}`, { method: "POST" }));
      return Response.json(null);
    }
    if (path === "/test/kill") {
      for (const socket of this.ctx.getWebSockets()) socket.close(1012, "killed");
      this.ctx.abort("killed by a test");
    }
    if (path === "/test/forget") {
      this.begin();
      return Response.json(null);
    }
    if (path === "/test/sockets") {
      const told = ({ readyState, bufferedAmount }) => ({ is_open: readyState === 1, waiting: bufferedAmount });
      return Response.json(this.ctx.getWebSockets().map(told));
    }
    if (path === "/test/writes") return Response.json(writes[name] ?? {});
    if (path === "/test/stored") {
      return new Response(String((await this.ctx.storage.list({ prefix: "ticket:" })).size));
    }
    if (path === "/test/attachments") {
      const text = (socket) => new TextDecoder().decode(socket.deserializeAttachment());
      return Response.json(this.ctx.getWebSockets().map((socket) => JSON.parse(text(socket))));
    }
    calls[name] = { ...calls[name], [path]: (calls[name]?.[path] ?? 0) + 1 };
    if (faults[name] === "throw") throw new Error("this room fails in a test");
    if (faults[name] === "hang") await scheduler.wait(60_000);
    return this.room.fetch(request);
  }
  alarm() { return this.room.alarm(); }
  webSocketMessage(socket, message) { return this.room.webSocketMessage(socket, message); }
  webSocketClose(...args) { return this.room.webSocketClose(...args); }
  webSocketError(...args) { return this.room.webSocketError(...args); }
}
