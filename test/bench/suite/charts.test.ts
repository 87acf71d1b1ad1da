import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convergence, distinctViews, distribution, growth, sideBySide } from "../../../bench/suite/charts.mjs";
import { escaped, linearScale, logScale, standalone, timeLabel } from "../../../bench/suite/drawing.mjs";
import { picturesOf } from "../../../bench/suite/pictures.mjs";
import { all, type Element, only, parseMarkup, textOf } from "./markup-tree.ts";
import { plausible, plausibleSweep, resultsOf, runsOf } from "./plausible.ts";

const HOSTILE = `</title><script>alert("1")</script>&'\u0000`;
const run = (label: string, ...times: number[]) => ({ label, times, facts: times.length });
const drawn = (svg: string): Element => only(parseMarkup(svg), "svg");
const lines = (svg: string, kind: string) =>
  all(drawn(svg)).filter(
    ({ attributes }) => attributes.get("class") === `line ${kind}` && attributes.get("d")?.includes("H"),
  );

const PICTURES: Record<string, string> = {
  convergence: convergence({ id: "a", title: HOSTILE, series: [{ name: HOSTILE, runs: [run(HOSTILE, 1, 2, 3)] }] }),
  distribution: distribution({ id: "a", title: HOSTILE, series: [{ name: HOSTILE, runs: [run(HOSTILE, 1, 2, 3)] }] }),
  growth: growth({
    id: "a",
    title: HOSTILE,
    label: timeLabel,
    series: [
      { name: HOSTILE, points: [12, 100].map((nodes) => ({ nodes, values: [nodes, Number.POSITIVE_INFINITY] })) },
    ],
  }),
  bars: sideBySide({
    id: "a",
    title: HOSTILE,
    names: [HOSTILE, "other"],
    rows: [{ label: HOSTILE, bars: [{ median: 2, least: 1, most: 3, text: HOSTILE, about: HOSTILE }, null] }],
  }),
  views: distinctViews({
    id: "a",
    title: HOSTILE,
    series: [
      {
        name: HOSTILE,
        runs: [
          {
            label: HOSTILE,
            views: [
              [0, 3],
              [5, 1],
            ],
          },
        ],
      },
    ],
  }),
};

describe("text from elsewhere", () => {
  it("means itself between tags and in attributes, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 40 }),
        fc.constantFrom("", '"', "'", "<", "&lt;", "]]>"),
        (some, sign) => {
          const text = some + sign;
          const element = only(parseMarkup(`<a href="${escaped(text)}">${escaped(text)}</a>`), "a");
          expect(textOf(element)).toBe(element.attributes.get("href"));
          expect([...textOf(element)]).toHaveLength([...text].length);
          expect(textOf(element).endsWith(sign)).toBe(true);
        },
      ),
    );
  });
});

describe("every picture", () => {
  it.each(Object.entries(PICTURES))(
    "is well-formed, has a title and a description, and shows hostile text as text: %s",
    (_name, svg) => {
      const picture = drawn(svg);
      const [title, description] = picture.children.filter((child) => typeof child !== "string");
      expect([title?.name, description?.name]).toEqual(["title", "desc"]);
      expect(title && textOf(title)).toBe(HOSTILE.replace("\u0000", "\ufffd"));
      expect(description && textOf(description).length).toBeGreaterThan(20);
      expect(picture.attributes.get("role")).toBe("img");
      const named = [title, description].map((child) => child?.attributes.get("id")).join(" ");
      expect(picture.attributes.get("aria-labelledby")).toBe(named);
      expect(all(picture, "script")).toEqual([]);
      expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
    },
  );

  it.each(Object.entries(PICTURES))("carries its style when it stands alone, in light and dark: %s", (_name, svg) => {
    const picture = drawn(standalone(svg));
    expect(textOf(only(picture, "style"))).toContain("prefers-color-scheme:dark");
  });

  it("is drawn of nothing as well", () => {
    const nothing = { id: "a", title: "nothing", series: [{ name: "hearsay", runs: [] }] };
    const none = {
      id: "a",
      title: "nothing",
      series: [{ name: "hearsay", runs: [{ label: "1", times: [], facts: 0, views: [] }] }],
    };
    for (const svg of [nothing, none].flatMap((of) => [convergence(of), distribution(of), distinctViews(of)])) {
      expect(drawn(svg).attributes.get("class")).toBe("chart");
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

describe("the convergence curve", () => {
  const series = [{ name: "hearsay", runs: [run("1", 10, 20, 30), run("2", 12, 22, 90), run("3", 14, 24, 40)] }];

  it("has a thin line for each run and a bold one for their median", () => {
    const svg = convergence({ id: "a", title: "cold", series });
    expect(lines(svg, "thin")).toHaveLength(3);
    expect(lines(svg, "bold")).toHaveLength(1);
    expect(textOf(only(drawn(svg), "desc"))).toContain("half after 22 ms, 99 % after 40 ms, all after 40 ms");
  });

  it("ends in a dot where all came true, in a cross where the middle run misses some", () => {
    const short = [1, 2, 3].map((n) => ({ ...run(String(n), 10, 20, 30), facts: 4 }));
    const missing = convergence({ id: "a", title: "cold", series: [{ name: "hearsay", runs: short }] });
    expect(all(drawn(convergence({ id: "a", title: "cold", series })), "circle")).toHaveLength(1);
    expect(all(drawn(missing), "circle")).toEqual([]);
    expect(missing).toContain("the rest never came");
    expect(textOf(only(drawn(missing), "desc"))).toContain("all after never");
  });

  it("counts a thinned run for all that it stands for", () => {
    const thin = { label: "1", times: [10, 20, 30, 40], facts: 400, thinnedFrom: 200 };
    const svg = convergence({ id: "a", title: "cold", series: [{ name: "hearsay", runs: [thin] }] });
    expect(textOf(only(drawn(svg), "desc"))).toContain("half after 40 ms, 99 % after never");
  });

  it("leads each run's line to when and how far it came", () => {
    const thin = { label: "1", times: [10, 20, 30, 40], facts: 400, thinnedFrom: 200 };
    const svg = convergence({ id: "a", title: "cold", series: [{ name: "hearsay", runs: [thin] }] });
    const [path] = lines(svg, "thin");
    const corners = [...(path?.attributes.get("d") ?? "").matchAll(/H([\d.]+)V([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const [x0, y0] = (/^M([\d.]+) ([\d.]+)/.exec(path?.attributes.get("d") ?? "") ?? []).slice(1).map(Number);
    const height = 220;
    expect(corners.map(([, y = 0]) => (Number(y0) - y) / height)).toEqual(
      [0.125, 0.25, 0.375, 0.5].map((share) => expect.closeTo(share, 2)),
    );
    const [first = 0, , , last = 0] = corners.map(([x = 0]) => x);
    expect(x0).toBe(first);
    // From 10 to 40 ms of an axis that ends at 40 and begins at 62.
    expect((last - 62) / (first - 62)).toBeCloseTo(4, 1);
  });

  it("takes a logarithmic axis only where one peer takes far longer, and says so", () => {
    const beside = (pace: number) => [...series, { name: "Serf", runs: [run("1", pace, 2 * pace)] }];
    expect(convergence({ id: "a", title: "cold", series: beside(30) })).not.toContain("(log)");
    expect(convergence({ id: "a", title: "cold", series: beside(3_000) })).toContain("time since the event (log)");
  });
});

describe("all runs together", () => {
  it("shows what came soon also where more than a twentieth came at once", () => {
    const soon = [...Array.from({ length: 10 }, () => 0), ...Array.from({ length: 10 }, () => 5)];
    const svg = distribution({
      id: "a",
      title: "join",
      series: [
        { name: "hearsay", runs: [run("1", 40, 50, 60)] },
        { name: "Serf", runs: [run("1", ...soon, 700)] },
      ],
    });
    expect(all(drawn(svg), "text").map(textOf)).toContain("5 ms");
  });
});

describe("distinct views", () => {
  it("keeps the peak of a run of many looks", () => {
    const views = Array.from({ length: 5_000 }, (_, i): [number, number] => [i, i === 1_237 ? 99 : 1]);
    const svg = distinctViews({
      id: "a",
      title: "views",
      series: [{ name: "hearsay", runs: [{ label: "1", views }] }],
    });
    expect(textOf(only(drawn(svg), "desc"))).toContain("at most 99 at once");
    expect(svg.length).toBeLessThan(10_000);
  });

  it("counts them in whole numbers, and time from when measuring began", () => {
    const views: [number, number][] = [
      [0, 2],
      [300, 1],
    ];
    const svg = distinctViews({
      id: "a",
      title: "views",
      series: [{ name: "hearsay", runs: [{ label: "1", views }] }],
    });
    const words = all(drawn(svg), "text").map(textOf);
    expect(words).toContain("time since measuring began");
    expect(words.filter((text) => text.includes("."))).toEqual([]);
    expect(words).toEqual(expect.arrayContaining(["0", "1", "2"]));
  });
});

describe("growth", () => {
  const points = [12, 25, 50, 100].map((nodes) => ({ nodes, values: [10, 20, 30].map((ms) => ms * Math.log(nodes)) }));

  it("draws what grows as log N as a straight line on its guide", () => {
    const svg = growth({ id: "a", title: "last", label: timeLabel, series: [{ name: "hearsay", points }] });
    const [polyline] = all(drawn(svg), "polyline");
    const places = (polyline?.attributes.get("points") ?? "").split(" ").map((place) => place.split(",").map(Number));
    expect(places).toHaveLength(4);
    const slopes = places
      .slice(1)
      .map(([x = 0, y = 0], i) => (y - (places[i]?.[1] ?? 0)) / (x - (places[i]?.[0] ?? 0)));
    for (const slope of slopes) expect(slope).toBeCloseTo(slopes[0] ?? Number.NaN, 1);
    const guide = all(drawn(svg)).find(({ attributes }) => attributes.get("class") === "axis guide");
    const end = (guide?.attributes.get("d") ?? "").split("L")[1]?.split(" ").map(Number);
    expect(end?.[1]).toBeCloseTo(places[3]?.[1] ?? Number.NaN, 0);
  });

  it("says how many runs never came to it", () => {
    const never = [
      { nodes: 12, values: [5, 6, 7] },
      { nodes: 100, values: [50, 60, Number.POSITIVE_INFINITY] },
    ];
    expect(growth({ id: "a", title: "last", label: timeLabel, series: [{ name: "Serf", points: never }] })).toContain(
      "1 of 3 never",
    );
  });
});

describe("bars side by side", () => {
  it("are as long as what they stand for, within a row", () => {
    const bar = (median: number) => ({ median, least: median, most: median, text: `${median}`, about: `${median}` });
    const rows = [
      { label: "cold", bars: [bar(10), bar(40)] },
      { label: "crash", bars: [bar(9_000), bar(3_000)] },
    ];
    const svg = sideBySide({ id: "a", title: "side by side", names: ["hearsay", "Serf"], rows });
    const widths = all(drawn(svg), "rect")
      .filter(({ attributes }) => attributes.get("class") === "bar")
      .map(({ attributes }) => Number(attributes.get("width")));
    expect(widths).toHaveLength(4);
    const [first = 0, second = 0, third = 0, fourth = 0] = widths;
    expect([second / first, third / fourth]).toEqual([expect.closeTo(4, 1), expect.closeTo(3, 1)]);
    expect(second).toBe(third);
  });
});

it("what was played and had nothing to notice is not called unmeasured", () => {
  const bar = { median: 5, least: 5, most: 5, text: "5 s", about: "5 s" };
  const none = { text: "nothing to notice", about: "nothing to notice" };
  const rows = [{ label: "pause", bars: [bar, none, null] }];
  const svg = drawn(sideBySide({ id: "a", title: "t", names: ["hearsay", "Serf", "other"], rows }));
  const words = all(svg, "text").map(textOf);
  expect(words).toEqual(expect.arrayContaining(["5 s", "nothing to notice", "not measured"]));
  expect(textOf(only(svg, "desc"))).toContain("Serf nothing to notice, other not measured");
});

describe("the axes", () => {
  it.each([0.004, 0.3, 7, 99, 100, 12_345, 2.5e6])("hold %d on both kinds of scale, with marks that rise", (most) => {
    for (const { at, ticks } of [linearScale(most, 0, 500), logScale(most / 900, most, 0, 500)]) {
      expect(at(most)).toBeLessThanOrEqual(500);
      expect(at(most)).toBeGreaterThan(150);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(12);
      expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
    }
  });

  it("write times as people do", () => {
    expect([0, 0.5, 20, 200, 1_000, 2_500, 120_000].map(timeLabel)).toEqual([
      "0",
      "0.5 ms",
      "20 ms",
      "200 ms",
      "1 s",
      "2.5 s",
      "120 s",
    ]);
  });

  it("leave room between the words of the marks", () => {
    const svg = convergence({ id: "a", title: "cold", series: [{ name: "hearsay", runs: [run("1", 1, 1_234_567)] }] });
    const words = all(drawn(svg), "text")
      .filter(({ attributes }) => attributes.get("text-anchor") === "middle")
      .slice(0, -1);
    const spans = words.map((word) => [Number(word.attributes.get("x")), textOf(word).length * 3.1] as const);
    expect(spans.length).toBeGreaterThan(2);
    for (const [i, [x, half]] of spans.entries()) {
      const next = spans[i + 1];
      if (next) expect(x + half).toBeLessThan(next[0] - next[1]);
    }
  });
});

describe("the pictures of a results file", () => {
  const { records } = resultsOf(plausibleSweep({ drivers: ["docker", "sim"], sizes: [12, 25] }));

  it("have names of their own, and are the same each time", () => {
    const pictures = picturesOf(records);
    expect(new Set(pictures.map(({ name }) => name)).size).toBe(pictures.length);
    expect(picturesOf(records)).toEqual(pictures);
    expect(new Set(pictures.map(({ kind }) => kind))).toEqual(
      new Set(["convergence", "views", "distribution", "growth", "bars"]),
    );
    for (const { name } of pictures) expect(name).toMatch(/^[a-z0-9-]+$/);
  });

  it("have names of their own also where scenarios differ only in signs", () => {
    const odd = ["a/b", "a b", "a.b"].flatMap((scenario) => runsOf(3, { scenario }));
    const names = picturesOf(resultsOf(odd).records).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("leave out what failed or was skipped", () => {
    const failed = [1, 2, 3].map((repetition) => ({ ...plausible({ repetition }), error: "no" }));
    expect(picturesOf(resultsOf(failed).records)).toEqual([]);
  });
});
