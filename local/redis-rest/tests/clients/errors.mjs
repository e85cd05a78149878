// Errors as the client reports them.
import assert from "node:assert/strict";
import { Redis, errors } from "@upstash/redis";

const url = process.env.UPSTASH_REDIS_REST_URL;
// Without pipelines: the client rewrites their errors.
const redis = Redis.fromEnv({ enableAutoPipelining: false });
const refused = (text) => (error) => {
  assert.ok(error instanceof errors.UpstashError, String(error));
  assert.ok(error.message.startsWith(text), error.message);
  return true;
};

const stranger = new Redis({ url, token: "wrong", enableAutoPipelining: false });
await assert.rejects(stranger.get("a"), refused("WRONGPASS invalid or missing auth token. See https://"));
await assert.rejects(stranger.pipeline().get("a").exec(), refused("WRONGPASS"));
await assert.rejects(stranger.multi().get("a").exec(), refused("WRONGPASS"));

await redis.set("a", "x");
await assert.rejects(redis.incr("a"), refused('ERR value is not an int or out of range, command was: ["incr","a"]'));
await assert.rejects(redis.lpush("a", 1), refused("WRONGTYPE"));
await assert.rejects(redis.exec(["GET"]), refused("ERR wrong number of arguments for 'get' command"));
await assert.rejects(redis.exec(["BLPOP", "l", "0"]), refused('ERR Command "BLPOP" is not allowed in REST'));
await assert.rejects(redis.exec(["NONSENSE"]), refused("ERR Command is not available: 'NONSENSE'"));
await assert.rejects(redis.hset("h", { a: undefined }), refused("ERR null args are not supported"));
await assert.rejects(redis.set("big", "x".repeat(11_000_000)), refused("ERR max request size exceeded. Limit: 10485760 bytes, Actual: 110000"));

const reader = new Redis({ url, token: process.env.READ_ONLY_TOKEN, enableAutoPipelining: false });
assert.equal(await reader.get("a"), "x");
for (const [name, write] of Object.entries({
  set: () => reader.set("a", 1),
  del: () => reader.del("a"),
  eval: () => reader.eval("return 1", [], []),
  keys: () => reader.keys("*"),
  scan: () => reader.scan(0),
})) {
  await assert.rejects(write(), refused(`NOPERM this user has no permissions to run the '${name}' command or its subcommand`));
}
assert.equal(await reader.get("a"), "x");
assert.equal(await reader.evalRo("return redis.call('GET', KEYS[1])", ["a"], []), "x");
// Not every engine names the command.
await assert.rejects(
  reader.evalRo("return redis.call('KEYS', '*')", [], []),
  /NOPERM this user has no permissions to run (the 'keys'|this) command or its subcommand/,
);
