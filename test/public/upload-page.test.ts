import { describe, expect, it } from "vitest";
import type { Upload } from "../../src/inputs/upload-record.ts";
import { PAGE_FILES, uploadPage } from "../../src/public/upload-page.ts";

const upload = (more: Partial<Upload> = {}): Upload => ({
  ...{
    uploadId: "upload_a",
    owner: "anna",
    secretHash: "ab",
    filename: undefined,
    received: undefined,
  },
  ...{ createdAt: 0, endsAt: Date.parse("2026-11-20T12:34:56Z") },
  ...more,
});

describe("the page on which a file is dropped", () => {
  it("says until when, how much and what is taken", () => {
    const page = uploadPage(upload({ filename: "fox.png" }), 20_000_000);
    expect(page).toContain("<title>Send fox.png</title>");
    expect(page).toContain("Until 2026-11-20 12:34 UTC. At most 20,000,000 bytes");
    expect(page).toContain('data-most="20000000"');
    expect(page).toContain("curl -T FILE ADDRESS");
  });

  it("asks for a file where none was named", () => {
    expect(uploadPage(upload(), 1)).toContain("Drop a file here");
  });

  it.each(["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b", "'x'"])(
    "shows %j as the text that it is",
    (filename) => {
      const page = uploadPage(upload({ filename }), 1);
      expect(page.match(/<script/g)).toHaveLength(1);
      expect(page).not.toContain("<img");
      expect(page).not.toContain(filename);
    },
  );

  it("has no script, style or picture from elsewhere, and asks to be in no index", () => {
    const page = uploadPage(upload(), 1);
    expect(page).not.toMatch(/https?:|\son\w+=|style=/);
    expect(page).toContain('name="robots" content="noindex"');
    for (const [, name = ""] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(PAGE_FILES).toHaveProperty([name]);
    }
  });

  it("has nothing more to do once the file is there", () => {
    const received: Upload["received"] = {
      ...{ kind: "picture", mimeType: "image/png", extension: "png" },
      ...{ file: "a.png", sizeBytes: 1, sha256: "ab", receivedAt: 0, keptUntil: 1 },
    };
    const page = uploadPage(upload({ received }), 1);
    expect(page).toContain("was received");
    expect(page).not.toContain("<input");
    expect(page).not.toContain("<script");
  });
});

describe("its script", () => {
  it("is one that a browser can read, and finds what it works with in the page", () => {
    const { text = "", mimeType } = PAGE_FILES["page.js"] ?? {};
    expect(mimeType).toContain("javascript");
    expect(() => new Function(text)).not.toThrow();
    const page = uploadPage(upload(), 1);
    for (const [, id] of text.matchAll(/getElementById\("(\w+)"\)/g)) {
      expect(page).toContain(`id="${id}"`);
    }
  });
});
