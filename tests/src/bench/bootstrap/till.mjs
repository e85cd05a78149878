// A new till: reads every record of a server into a file, page by page, as a till in a browser would. Prints a
// line of figures after each page.
//
// node till.mjs tillsync URL FILE, with the access token in TOKEN
// node till.mjs rxserver URL FILE
import { DatabaseSync } from "node:sqlite";

const LIMIT = 1000;
const [, , kind, url, file] = process.argv;

const servers = {
  async *tillsync() {
    const headers = { authorization: `Bearer ${process.env.TOKEN}` };
    for (let from = "", more = true; more; ) {
      const response = await fetch(`${url}/api/sync/pull-changes?limit=${LIMIT}${from}`, { headers });
      const page = await body(response);
      if (page.changes.length > 0 && page.mode !== "snapshot") throw new Error("the server did not send records");
      const records = page.changes.map((change) => [`${change.table_name}/${change.record_id}`, change]);
      yield { records, cost: response.headers.get("tillsync-cost") };
      from = `&cursor=${encodeURIComponent(page.next_cursor)}`;
      more = page.has_more;
    }
  },
  async *rxserver() {
    for (let after = { id: "", lwt: 0 }, count = LIMIT; count === LIMIT; ) {
      const page = await body(await fetch(`${url}/pull?limit=${LIMIT}&lwt=${after.lwt}&id=${after.id}`));
      yield { records: page.documents.map((document) => [document.id, document]) };
      after = page.checkpoint;
      count = page.documents.length;
    }
  },
};

async function body(response) {
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** The number after `name=` in the cost header. */
const part = (cost, name) => Number(new RegExp(`${name}=([0-9.]+)`).exec(cost ?? "")?.[1] ?? 0);

const micros = (since) => Math.round((performance.now() - since) * 1000);

const store = new DatabaseSync(file);
store.exec("PRAGMA journal_mode = WAL; CREATE TABLE records (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID");
const put = store.prepare("INSERT INTO records VALUES (?, ?)");
const begun = performance.now();
const sum = { received: 0, requests: 0, read_tenths: 0, store_micros: 0 };

for await (const { records, cost } of servers[kind]()) {
  const stored = performance.now();
  store.exec("BEGIN");
  for (const [id, record] of records) put.run(id, JSON.stringify(record));
  store.exec("COMMIT");
  sum.store_micros += micros(stored);
  sum.received += records.length;
  sum.requests += part(cost, "requests");
  sum.read_tenths += Math.round(part(cost, "read") * 10);
  console.log(JSON.stringify({ ...sum, micros: micros(begun) }));
}
