// Scripts by text and by hash, with and without the service's own flag.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();
const hash = (text) => createHash("sha1").update(text).digest("hex");

for (const header of ["", "#!lua flags=allow-key-locking\n"]) {
  const text = `${header}return {KEYS[1], ARGV[1], redis.call("INCRBY", KEYS[1], ARGV[1])}`;
  await redis.del("n");
  await assert.rejects(redis.evalsha(hash(text), ["n"], [5]), /NOSCRIPT/);
  assert.deepEqual(await redis.scriptExists(hash(text)), [0]);
  assert.deepEqual(await redis.eval(text, ["n"], [5]), ["n", 5, 5]);
  assert.deepEqual(await redis.evalsha(hash(text), ["n"], [5]), ["n", 5, 10]);
  assert.equal(await redis.scriptLoad(text), hash(text));
  assert.deepEqual(await redis.scriptExists(hash(text), "0".repeat(40)), [1, 0]);
  assert.equal(await redis.scriptFlush(), "OK");
  await assert.rejects(redis.evalsha(hash(text), ["n"], [5]), /NOSCRIPT/);

  const script = redis.createScript(text);
  assert.deepEqual(await script.exec(["n"], [1]), ["n", 1, 11]);
  assert.deepEqual(await script.exec(["n"], [1]), ["n", 1, 12]);
  await redis.scriptFlush();
}

assert.equal(await redis.evalRo("return redis.call('GET', KEYS[1])", ["n"], []), 12);
await assert.rejects(redis.eval("return redis.call('LPUSH', KEYS[1], 'x')", ["n"], []), /WRONGTYPE/);
await assert.rejects(redis.eval("this is no Lua", [], []), /ERR Error compiling script/);
await assert.rejects(
  redis.eval("#!lua flags=allow-key-locking\nreturn redis.call('GET', ARGV[1])", ["n"], ["other"]),
  /ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: other/,
);
const inTransaction = await redis.multi().eval("return redis.call('INCR', KEYS[1])", ["n"], []).get("n").exec();
assert.deepEqual(inTransaction, [13, 13]);
