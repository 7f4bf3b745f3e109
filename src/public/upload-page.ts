import { type Html, html } from "../core/html.ts";
import { byteCount } from "../core/text.ts";
import type { Upload } from "../inputs/upload-record.ts";

const SCRIPT = `"use strict";
const zone = document.getElementById("zone");
const input = document.getElementById("file");
const state = document.getElementById("state");
const bar = document.getElementById("bar");
const most = Number(zone.dataset.most);
function say(text) { state.textContent = text; }
function sized(bytes) { return bytes.toLocaleString("en-US") + " bytes"; }
function again(text) {
  say(text);
  bar.hidden = true;
  input.disabled = false;
  // The same file can be chosen once more.
  input.value = "";
}
function send(files) {
  if (files.length === 0) return;
  if (files.length > 1) return again("One file is taken here. Drop one alone.");
  const file = files[0];
  if (file.size > most) return again("This file has " + sized(file.size) + ", and at most " + sized(most) + " are taken. Choose another one.");
  const request = new XMLHttpRequest();
  request.open("PUT", location.href);
  request.setRequestHeader("content-type", "application/octet-stream");
  bar.hidden = false;
  bar.removeAttribute("value");
  input.disabled = true;
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) { bar.max = event.total; bar.value = event.loaded; } });
  request.addEventListener("load", () => {
    again(request.responseText);
    zone.hidden = request.status === 201;
  });
  request.addEventListener("error", () => again("It was cut, or cannot be read. Choose the file once more."));
  say("Sending " + file.name);
  request.send(file);
}
input.addEventListener("change", () => send(input.files));
for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!input.disabled) send(event.dataTransfer.files);
});
`;
const STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
#zone { display: block; padding: 3rem 1rem; text-align: center; border: 2px dashed currentColor; border-radius: .5rem; }
#zone.over, #zone:focus-within { outline: 3px solid Highlight; }
#zone[hidden] { display: none; }
progress { width: 100%; }
`;

/** What the page consists of beside itself, by the last part of its address. */
export const PAGE_FILES: Readonly<Record<string, { mimeType: string; text: string }>> = {
  "page.js": { mimeType: "text/javascript; charset=utf-8", text: SCRIPT },
  "page.css": { mimeType: "text/css; charset=utf-8", text: STYLE },
};

/** A page on which somebody drops the file that an address waits for; reading it uses nothing up. */
export function uploadPage({ filename, received, endsAt }: Upload, mostBytes: number): string {
  const until = `${new Date(endsAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const wanted = filename ?? "a file";
  const body = received
    ? html`<p role="status">The file was received. There is nothing more to do here.</p>`
    : form(wanted, until, mostBytes);
  return String(html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>Send ${wanted}</title><link rel="stylesheet" href="page.css"></head>
<body><main><h1>Send ${wanted}</h1>
${body}
</main></body>
</html>
`);
}

function form(wanted: string, until: string, mostBytes: number): Html {
  return html`<p>Until ${until}. At most ${byteCount(mostBytes)}: a picture, a ZIP archive, or text in UTF-8.</p>
<label id="zone" data-most="${mostBytes}">Drop ${wanted} here, or choose it: <input id="file" type="file"></label>
<progress id="bar" aria-label="Sent" hidden></progress>
<p id="state" role="status" aria-live="polite"></p>
<noscript><p>Without scripts, send it with a program: <code>curl -T FILE ADDRESS</code></p></noscript>
<script src="page.js" defer></script>`;
}
