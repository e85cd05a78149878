// Bytes that are not UTF-8, with the client's base64 (its default) and without.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const url = process.env.UPSTASH_REDIS_REST_URL;
const token = process.env.UPSTASH_REDIS_REST_TOKEN;
const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);

const stored = await fetch(`${url}/set/bin`, {
  method: "POST",
  headers: { authorization: `Bearer ${token}` },
  body: bytes,
});
assert.deepEqual(await stored.json(), { result: "OK" });

const raw = await fetch(`${url}/get/bin`, {
  headers: { authorization: `Bearer ${token}`, "upstash-encoding": "base64" },
});
assert.deepEqual(Buffer.from((await raw.json()).result, "base64"), Buffer.from(bytes));

const text = "Grüße 😀 \u0000 \u2028";
for (const responseEncoding of ["base64", false]) {
  const redis = new Redis({ url, token, responseEncoding });
  assert.equal(await redis.strlen("bin"), 256);
  await redis.set("text", text);
  assert.equal(await redis.get("text"), text);
  assert.deepEqual(await redis.mget("text", "none"), [text, null]);
  await redis.hset("h", { [text]: text });
  assert.deepEqual(await redis.hgetall("h"), { [text]: text });
  const [, [member]] = await redis.pipeline().sadd("s", text).smembers("s").exec();
  assert.equal(member, text);
  const nested = await redis.eval("return {ARGV[1], {ARGV[1], {ARGV[1], 'OK'}}}", [], [text]);
  assert.deepEqual(nested, [text, [text, [text, "OK"]]]);
  const broken = await redis.get("bin");
  assert.equal(broken.slice(0, 128), String.fromCharCode(...bytes.slice(0, 128)));
  assert.ok([...broken.slice(128)].every((character) => character === "\ufffd"));
}
