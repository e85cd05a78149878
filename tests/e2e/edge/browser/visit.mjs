// Opens a page in Chromium, calls its function `visit` and prints what it returns.
// Usage: node visit.mjs PLAYWRIGHT PAGE ARGUMENT
// PLAYWRIGHT is the folder of playwright-core, PAGE a URL, ARGUMENT the function's argument as JSON.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";

const [playwright, page, argument] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(join(playwright, "index.mjs")));

const programs = ["chromium", "chromium-browser", "google-chrome"];
const paths = process.env.PATH.split(delimiter).flatMap((folder) => programs.map((name) => join(folder, name)));
const executablePath = paths.find((path) => existsSync(path));

// No sandbox, because the tests may run as root; no calls of the browser's own.
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-first-run"];
const browser = await chromium.launch({ executablePath, args });
try {
  const tab = await browser.newPage();
  await tab.goto(page);
  const result = await tab.evaluate((given) => visit(given), JSON.parse(argument));
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
}
