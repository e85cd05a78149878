// Hashes, lists, sets, sorted sets, streams, and SCAN.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();

assert.equal(await redis.hset("h", { name: "Ada", age: 36, tags: ["x"] }), 3);
assert.deepEqual(await redis.hgetall("h"), { name: "Ada", age: 36, tags: ["x"] });
assert.deepEqual(await redis.hmget("h", "age", "none"), { age: 36, none: null });
assert.equal(await redis.hincrby("h", "age", 1), 37);
assert.equal(await redis.hgetall("none"), null);
assert.deepEqual(await redis.hscan("h", 0, { match: "n*" }), ["0", ["name", "Ada"]]);

assert.equal(await redis.rpush("l", "a", { b: 1 }, 3), 3);
assert.deepEqual(await redis.lrange("l", 0, -1), ["a", { b: 1 }, 3]);
assert.equal(await redis.lpop("l"), "a");
assert.equal(await redis.llen("l"), 2);

assert.equal(await redis.sadd("s", "a", "b", "c"), 3);
assert.deepEqual((await redis.smembers("s")).sort(), ["a", "b", "c"]);
assert.deepEqual(await redis.smismember("s", ["a", "z"]), [1, 0]);

assert.equal(await redis.zadd("z", { score: 1.5, member: "m" }, { score: 2, member: "n" }), 2);
assert.deepEqual(await redis.zrange("z", 0, -1, { withScores: true }), ["m", 1.5, "n", 2]);
assert.deepEqual(await redis.zrange("z", 2, 10, { byScore: true }), ["n"]);
assert.equal(await redis.zscore("z", "m"), 1.5);
assert.deepEqual(await redis.zpopmax("z"), ["n", 2]);

const id = await redis.xadd("x", "*", { field: "value" });
assert.deepEqual(await redis.xrange("x", "-", "+"), { [id]: { field: "value" } });

const names = Array.from({ length: 1000 }, (_, n) => `walk:${n}`);
await redis.mset(Object.fromEntries(names.map((name) => [name, 1])));
const seen = new Set();
let cursor = "0";
let rounds = 0;
do {
  const [next, keys] = await redis.scan(cursor, { match: "walk:*", count: 100 });
  keys.forEach((key) => seen.add(key));
  cursor = next;
  rounds += 1;
} while (cursor !== "0");
assert.equal(seen.size, names.length);
assert.ok(rounds > 1, `${rounds} rounds`);
