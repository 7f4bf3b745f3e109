import { type HtmlValue, html } from "../core/html.ts";
import { isFinal, type WholeJob } from "../jobs/job.ts";
import { mayChange } from "../tools/scopes.ts";
import { formKey } from "./page-frame.ts";
import { costWords } from "./shown-words.ts";
import type { Visit } from "./visit.ts";

/** Where a person says what a job has cost that nobody knows, or corrects that; no assistant may. */
export function settleForm(visit: Visit, job: WholeJob): HtmlValue {
  if (!mayChange(visit.caller, job)) return undefined;
  const { jobId, charge, state } = job;
  const form = html`<form class="settle" method="post" action="/jobs/${jobId}/settle">${formKey(visit)}
<button name="verdict" value="charged">It was charged</button>
<button name="verdict" value="not-charged">It was not charged</button>
</form>`;
  if (charge === "uncertain") {
    return html`<section class="doubt" id="settle"><h2>Was it charged?</h2>
<p>Nobody could find out whether the provider has taken this request. It is never sent again by itself. Look into the provider's console, then say what you found: budgets count it as spent until then.</p>
${form}</section>`;
  }
  if (state !== "unknown") return undefined;
  return html`<details id="settle"><summary>Settled by hand: ${costWords(job)}</summary>
<p>That can be corrected.</p>${form}</details>`;
}

/** Where a person deletes an ended job. */
export function deleteForm(visit: Visit, job: WholeJob): HtmlValue {
  const { jobId, threadId, charge, state } = job;
  if (!mayChange(visit.caller, job) || !isFinal(state)) return undefined;
  // A turn goes with its conversation, and what is in doubt is settled before.
  if (threadId !== null || charge === "uncertain") return undefined;
  const always = visit.caller.isRemote
    ? html`<input type="hidden" name="files" value="on"><p>Its files are deleted with it.</p>`
    : html`<label><input type="checkbox" name="files"> Its files as well; copies elsewhere stay</label>`;
  return html`<details class="delete"><summary>Delete</summary>
<form method="post" action="/jobs/${jobId}/delete">${formKey(visit)}
<p>The prompt and all that was asked are forgotten. What it cost still counts.</p>
${always}
<button class="grave">Delete it</button>
</form></details>`;
}
