import { type Html, type HtmlValue, html } from "../core/html.ts";
import { seesThreads, seesWholeSpending } from "./permissions.ts";
import type { Visit } from "./visit.ts";

interface PageWishes {
  title: string;
  /** Which of the sections it belongs to. */
  section?: "pictures" | "threads" | "spending" | undefined;
}

const SECTIONS = [
  { name: "pictures", path: "/", label: "Pictures", isSeen: () => true },
  { name: "threads", path: "/threads", label: "Conversations", isSeen: seesThreads },
  { name: "spending", path: "/spending", label: "Spending", isSeen: seesWholeSpending },
] as const;

/** A whole page for somebody who was let in. */
export function page(visit: Visit, { title, section }: PageWishes, content: HtmlValue): Html {
  const { caller, parts } = visit;
  const links = SECTIONS.filter(({ isSeen }) => isSeen(caller)).map(
    ({ name, path, label }) =>
      html`<li><a href="${path}"${name === section && html` aria-current="page"`}>${label}</a></li>`,
  );
  return document(
    title,
    html`<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<nav aria-label="Sections"><ul>${links}</ul></nav>
<form method="post" action="/logout">${formKey(visit)}<button>Sign out</button></form>
</header>
${parts.isSandbox && html`<p class="sandbox">Sandbox: nothing here was charged.</p>`}
<main id="content" tabindex="-1">
${content}
</main>
<p id="news" class="unseen" role="status" aria-live="polite"></p>`,
    html`<script src="/gallery.js" defer></script>`,
  );
}

/** A page by itself, also for somebody who was not let in. */
export function document(title: string, body: HtmlValue, more?: HtmlValue): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} - longcat-mcp</title>
<link rel="stylesheet" href="/gallery.css">
${more}
</head>
<body>
${body}
</body>
</html>
`;
}

/** What every form carries that changes something. */
export function formKey({ session }: Pick<Visit, "session">): Html {
  return html`<input type="hidden" name="key" value="${session.formKey}">`;
}
