// Strings, numbers and JSON, as the client reads them.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();
const exact = Redis.fromEnv({ automaticDeserialization: false });

assert.equal(await redis.set("s", "text"), "OK");
assert.equal(await redis.get("s"), "text");
assert.equal(await redis.get("none"), null);
assert.equal(await redis.set("s", "other", { nx: true }), null);
assert.equal(await redis.set("s", "other", { get: true }), "text");
assert.equal(await redis.set("t", "x", { ex: 100 }), "OK");
assert.equal(await redis.ttl("t"), 100);
assert.equal(await redis.append("s", "!"), 6);
assert.deepEqual(await redis.mget("s", "none", "t"), ["other!", null, "x"]);
assert.equal(await redis.getdel("t"), "x");
assert.equal(await redis.ping(), "PONG");
assert.equal(await redis.echo("übung 😀"), "übung 😀");
assert.equal(await redis.set("ok", "OK"), "OK");
assert.equal(await redis.get("ok"), "OK");

// Numbers: those that JavaScript cannot represent stay text.
await redis.set("n", 41);
assert.equal(await redis.incr("n"), 42);
assert.equal(await redis.get("n"), 42);
await redis.set("big", "9007199254740993");
assert.equal(await redis.get("big"), "9007199254740993");
assert.equal(await exact.get("big"), "9007199254740993");
await redis.incrby("big", 2);
assert.equal(await redis.get("big"), "9007199254740995");
assert.equal(await redis.incrbyfloat("f", 1.5), 1.5);

// JSON.
const value = { a: [1, "zwei", null, { b: true }], c: 'quote " and \\ and \n' };
await redis.set("json", value);
assert.deepEqual(await redis.get("json"), value);
assert.equal(await exact.get("json"), JSON.stringify(value));
await redis.set("lone", "a\ud800b");
assert.equal(await redis.get("lone"), "a\ufffdb");

assert.equal(await redis.exists("s", "json", "none"), 2);
assert.equal(await redis.type("json"), "string");
assert.equal(await redis.expire("s", 10), 1);
assert.equal(await redis.persist("s"), 1);
assert.equal(await redis.del("s", "json"), 2);
assert.equal(await redis.dbsize(), 5);
assert.equal(await redis.flushdb(), "OK");
assert.equal(await redis.dbsize(), 0);
