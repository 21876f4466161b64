// Prints status, file and address of every link in Markdown files, one request a second.
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

const LINK = /\]\((https?:\/\/[^)\s]+)\)/g;

async function status(url) {
  let answer = await fetch(url, { method: "HEAD", redirect: "manual" });
  if (answer.status === 405 || answer.status === 403) {
    answer = await fetch(url, { redirect: "manual" });
  }
  return answer.status;
}

for (const file of process.argv.slice(2)) {
  const text = await readFile(file, "utf8");
  for (const [, url] of text.matchAll(LINK)) {
    const found = await status(url).catch((error) => error.cause?.code ?? "no answer");
    console.log([found, file, url].join("\t"));
    await wait(1000);
  }
}
