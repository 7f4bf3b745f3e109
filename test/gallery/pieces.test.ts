import { describe, expect, it } from "vitest";
import { browserCommand } from "../../src/cli/browser.ts";
import { GalleryPlace } from "../../src/cli/gallery-place.ts";
import { settlePath } from "../../src/core/open-page.ts";
import { formattedText } from "../../src/gallery/formatted-text.ts";
import { gridPath, wishesIn } from "../../src/gallery/grid-query.ts";
import { costWords, dayWords, durationWords, timeWords } from "../../src/gallery/shown-words.ts";
import { niceTop, spendingChart } from "../../src/gallery/spending-chart.ts";
import { openGalleryRig } from "../support/gallery-rig.ts";

const DAY = 86_400_000;

describe("the chart of spending", () => {
  const sums = { reservedUsd: 0, uncertainUsd: 0, jobs: 1, unpriced: 0 };
  const since = Date.parse("2026-11-01T00:00:00Z");
  const bar = (day: string, operation: string, spentUsd: number) => ({
    ...{ day, operation, spentUsd },
    ...sums,
  });

  it("stacks what was spent on a day, and says every amount in words", () => {
    const chart = String(
      spendingChart(
        [
          bar("2026-11-02", "z_image_turbo_generate", 1),
          bar("2026-11-02", "qwen_image_edit", 3),
          bar("2026-11-10", "qwen_image_edit", 5),
        ],
        { since, before: since + 10 * DAY },
      ),
    );
    const rects = [
      ...chart.matchAll(
        /<rect class="([\w-]+)" x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"><title>([^<]+)/g,
      ),
    ];
    const [low, high, late] = rects
      .map(([, series, x, y, height, title]) => ({
        ...{ series, title },
        ...{ x: Number(x), y: Number(y), height: Number(height) },
      }))
      .sort((a, b) => a.x - b.x || b.y - a.y);
    if (!low || !high || !late) return expect.fail("no bars");
    expect([low.series, high.series, late.series]).toEqual(["series-1", "series-2", "series-1"]);
    expect(low.x).toBe(high.x);
    expect(high.y + high.height).toBeCloseTo(low.y, 1);
    expect(low.height).toBeCloseTo(3 * high.height, 1);
    expect(late.title).toBe("2026-11-10, Qwen Image: edit a picture: $5.00");
    expect(chart).toContain(">$5.00</text>");
    expect(chart).toContain('aria-label="Spent by day and operation, 2026-11-01 to 2026-11-10;');
  });

  it("has a last colour for all operations that are too many", () => {
    const bars = Array.from({ length: 12 }, (_, at) => bar("2026-11-02", `op_${at}`, 1));
    const chart = String(spendingChart(bars, { since, before: since + DAY }));
    expect(chart.match(/<rect class="series-8"/g)).toHaveLength(5);
    expect(chart).not.toContain("series-9");
  });

  it.each([
    [0, 1],
    [0.003, 0.005],
    [0.745, 1],
    [1, 1],
    [1.01, 2],
    [4.2, 5],
    [51, 100],
  ])("of %d ends at %d", (usd, top) => {
    expect(niceTop(usd)).toBe(top);
  });
});

describe("what was said", () => {
  const shown = (text: string) => String(formattedText(text));

  it("stays text, with code set apart", () => {
    expect(shown("A <b>\n\n```js\nlet a = '<i>';\n```\nB")).toBe(
      '<p>A &#60;b&#62;</p>,<pre tabindex="0"><code>let a = &#39;&#60;i&#62;&#39;;</code></pre>,<p>B</p>',
    );
    expect(shown("[x](javascript:alert(1)) ![y](http://evil.example/a.png)")).toBe(
      "<p>[x](javascript:alert(1)) ![y](http://evil.example/a.png)</p>",
    );
  });

  it("takes a fence to end only at one like it, or with the text", () => {
    expect(shown("````\n```\n````")).toContain("<code>&#96;&#96;&#96;</code>");
    expect(shown("```\n```js is not its end")).toContain(
      "<code>&#96;&#96;&#96;js is not its end</code>",
    );
    expect(shown("~~~\nopen")).toContain("<code>open</code>");
    expect(shown("")).toBe("");
  });
});

describe("words of the gallery", () => {
  it("say money, days and times", () => {
    const job = { charge: "spent", costUsd: 0.13, reservedUsd: 0.13 } as const;
    expect(costWords(job)).toBe("$0.13");
    expect(costWords({ ...job, charge: "none" })).toBe("nothing");
    expect(costWords({ ...job, charge: "uncertain", costUsd: null })).toBe(
      "perhaps $0.13: nobody knows",
    );
    expect(costWords({ ...job, charge: "reserved", costUsd: null })).toBe("$0.13, once it is made");
    expect(costWords({ charge: "spent", costUsd: null, reservedUsd: null })).toBe(
      "price not known",
    );
    const at = Date.parse("2026-11-20T23:59:00Z");
    expect([dayWords(at), timeWords(at)]).toEqual(["20 November 2026", "2026-11-20 23:59 UTC"]);
    expect([1_540, 89_000, 90_000, -5].map(durationWords)).toEqual([
      "1.5 s",
      "89 s",
      "2 min",
      "0 s",
    ]);
  });

  it("of a search stand in its address, and nothing else does", () => {
    const query = new URLSearchParams("q= red fox &state=done&operation=&other=1&cursor=before-9");
    expect(gridPath(wishesIn(query))).toBe("/?q=red+fox&state=done&cursor=before-9");
    expect(gridPath(wishesIn(new URLSearchParams()))).toBe("/");
  });
});

describe("a page that the program opens", () => {
  async function place(more: { isOpen?: boolean; browses?: boolean; fails?: boolean } = {}) {
    const { isOpen = true, browses = true, fails = false } = more;
    const { gallery } = await openGalleryRig();
    const opened: string[] = [];
    const errors: unknown[] = [];
    const made = new GalleryPlace({
      gallery,
      serve: async () => {
        if (fails) throw new Error("no port");
        return { origin: "http://127.0.0.1:9", close: async () => void opened.push("closed") };
      },
      isOpen: async () => isOpen,
      browse: async (url) => {
        opened.push(url);
        return browses;
      },
      onError: (error) => errors.push(error),
    });
    return { made, opened, errors };
  }

  it("is opened by a link that lets in once, and its port ends with the program", async () => {
    const { made, opened } = await place();
    expect(await made.openPage(settlePath("job_x"))).toBe(true);
    expect(opened[0]).toMatch(/^http:\/\/127\.0\.0\.1:9\/enter\/[\w-]{43}$/);
    await made.close();
    expect(opened[1]).toBe("closed");
  });

  it("opens nothing where this machine has no user, no port or no browser, and never throws", async () => {
    const [closed, broken, without] = [
      await place({ isOpen: false }),
      await place({ fails: true }),
      await place({ browses: false }),
    ];
    for (const { made } of [closed, broken, without]) expect(await made.openPage("/")).toBe(false);
    expect([closed.opened, broken.errors.length, without.opened.length]).toEqual([[], 1, 1]);
    await broken.made.close();
  });

  it("is opened by what each platform has for that", () => {
    const url = "http://127.0.0.1:9/enter/a&b";
    expect(browserCommand("darwin", url)).toEqual({ command: "open", args: [url] });
    expect(browserCommand("linux", url)).toEqual({ command: "xdg-open", args: [url] });
    expect(browserCommand("win32", url).args).toEqual([
      ...["/c", "start", '""', "http://127.0.0.1:9/enter/a^&b"],
    ]);
  });
});
