// The page is read as a browser would read it, but more strictly: what is in it, and what must never be.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { report } from "../../../bench/suite/report.mjs";
import { resultsText } from "../../../bench/suite/results.mjs";
import { all, type Element, only, parseMarkup, textOf } from "./markup-tree.ts";
import { header, plausible, plausibleSweep, resultsOf, runsOf } from "./plausible.ts";

const REPORT = new URL("../../../bench/suite/report.mjs", import.meta.url).pathname;
const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;\u202e`;

const classOf = (element: Element) => element.attributes.get("class") ?? "";
const section = (page: Element, name: string) => {
  const found = all(page, "section").find((one) => textOf(only(one, "h2")) === name);
  if (!found) throw new Error(`expected a section ${name}`);
  return found;
};
/** The words of each row, and which of its cells are marked. */
const rowsOf = (element: Element) =>
  all(element, "tr").map((row) => {
    const cells = row.children.filter((child) => typeof child !== "string");
    return { cells: cells.map(textOf), won: cells.filter((cell) => classOf(cell) === "won").map(textOf) };
  });
const rowOf = (page: Element, scenario: string, figure: string) => {
  const row = rowsOf(section(page, "Side by side")).find(({ cells }) => cells[0] === scenario && cells[3] === figure);
  if (!row) throw new Error(`expected a row ${scenario}, ${figure}`);
  return row;
};

let text: string;
let page: Element;
beforeAll(() => {
  text = report(resultsOf(plausibleSweep({ drivers: ["docker", "process", "sim"], sizes: [12, 100] })));
  page = parseMarkup(text);
});

describe("the page", () => {
  it("needs nothing from outside and runs nothing", () => {
    const urls = [...text.matchAll(/[a-z]+:\/\/[^"\s<]+/g)].map(([url]) => url);
    expect(new Set(urls)).toEqual(new Set(["http://www.w3.org/2000/svg"]));
    expect(text).not.toMatch(/url\(|@import|javascript:/);
    for (const name of ["script", "link", "img", "iframe", "object", "embed", "form", "use"])
      expect(all(page, name)).toEqual([]);
    const names = new Set(all(page).flatMap(({ attributes }) => [...attributes.keys()]));
    expect(
      [...names].filter((name) => name.startsWith("on") || ["src", "srcset", "action", "xlink:href"].includes(name)),
    ).toEqual([]);
    const policy = all(page, "meta").find(
      ({ attributes }) => attributes.get("http-equiv") === "Content-Security-Policy",
    );
    expect(policy?.attributes.get("content")).toBe("default-src 'none'; style-src 'unsafe-inline'");
  });

  it("is light and dark, and says its language and its title", () => {
    expect(only(page, "html").attributes.get("lang")).toBe("en");
    expect(textOf(only(only(page, "head"), "title"))).toBe("hearsay: convergence, measured");
    expect(textOf(only(page, "style"))).toContain("@media (prefers-color-scheme:dark){:root{");
  });

  it("has ids that stand once, and every reference leads to one", () => {
    const ids = all(page).flatMap(({ attributes }) => attributes.get("id") ?? []);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    const links = all(page, "a").map(({ attributes }) => attributes.get("href") ?? "");
    expect(links.every((href) => href.startsWith("#"))).toBe(true);
    const labels = all(page).flatMap(({ attributes }) => attributes.get("aria-labelledby")?.split(" ") ?? []);
    const missing = [...links.map((href) => href.slice(1)), ...labels].filter((id) => !ids.includes(id));
    expect(links.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it("has headings that leave no level out, and one main part that can be skipped to", () => {
    const levels = all(page).flatMap(({ name }) => (/^h[1-6]$/.test(name) ? [Number(name[1])] : []));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
    const [first] = all(only(page, "body"), "a");
    expect(first?.attributes.get("href")).toBe(`#${only(page, "main").attributes.get("id")}`);
  });

  it("has tables with a caption, headers with a scope, and as many cells in each row", () => {
    const tables = all(page, "table");
    expect(tables.length).toBeGreaterThan(8);
    for (const table of tables) {
      expect(textOf(only(table, "caption")).length).toBeGreaterThan(20);
      expect(all(table, "th").every(({ attributes }) => ["col", "row"].includes(attributes.get("scope") ?? ""))).toBe(
        true,
      );
      const widths = rowsOf(table).map(({ cells }) => cells.length);
      expect(widths.length).toBeGreaterThan(1);
      expect(new Set(widths).size).toBe(1);
      expect(rowsOf(table).flatMap(({ cells }) => cells.filter((cell) => cell === ""))).toEqual([]);
    }
    const scrolling = all(page).filter((element) => classOf(element) === "scroll");
    expect(scrolling).toHaveLength(tables.length);
    for (const { attributes } of scrolling)
      expect([attributes.get("tabindex"), attributes.get("role")]).toEqual(["0", "region"]);
  });

  it("has a row for every scenario, size and headline figure that was measured", () => {
    const rows = rowsOf(section(page, "Side by side")).filter(({ cells }) => cells[0] !== "scenario");
    // Nine scenarios by two figures, a cold start by three, idle by four; two sizes; of virtual time idle has two figures, and
    // starting takes no time.
    expect(rows).toHaveLength(2 * (2 * (9 * 2 + 1 + 4) + (9 * 2 + 2)));
    for (const { cells } of rows) expect(cells[4]).toMatch(/\d/);
  });

  it("has curves for every scenario but the idle one, with a text beside each picture", () => {
    for (const name of ["Cold start", "Crash", "Packet loss, 30%", "Broadcast message"]) {
      const titles = all(section(page, name), "svg").map((svg) => textOf(all(svg, "title")[0] as Element));
      expect(titles.some((title) => title.includes("100 nodes, containers"))).toBe(true);
      expect(titles.some((title) => title.startsWith("Distinct views"))).toBe(true);
      expect(titles.some((title) => title.startsWith("All runs together"))).toBe(true);
      expect(titles.some((title) => title.endsWith("against nodes"))).toBe(true);
    }
  });

  it("tells what failed, what was skipped and who was called dead", () => {
    const lost = textOf(section(page, "Runs that do not count"));
    expect(lost).toContain("hearsay, containers, crash, 100 nodes, run 6: the container did not start within 60 s");
    expect(lost).toContain("sockets in one process cannot be cut off from each other");
    const faults = section(page, "False positives");
    expect(rowsOf(faults)[1]?.cells).toEqual([
      "hearsay",
      expect.stringMatching(/^2 in \d+ runs$/),
      expect.stringMatching(/^0 in/),
    ]);
    expect(textOf(faults)).toContain("hearsay, containers, crash, 100 nodes, run 7: false deaths 2");
    expect(textOf(only(page, "header"))).toContain("1 run failed");
  });

  it("says on what machine, with what settings and seeds", () => {
    const about = textOf(section(page, "Machine, versions, settings"));
    for (const word of [
      "Example CPU",
      "v20.19.0",
      "abc1234",
      "0.10.1",
      "npm run bench -- --sweep",
      "lan",
      "seed",
      "0.5 ms",
    ]) {
      expect(about).toContain(word);
    }
  });

  it("puts virtual time beside real sockets, and marks what is more than twice apart", () => {
    const rows = rowsOf(section(page, "Virtual time beside real sockets"));
    const cold = rows.find(({ cells }) => cells[0] === "cold start" && cells[1] === "100" && cells[2] === "p50");
    expect(cold?.cells[4]).toMatch(/^! .* × [34]/);
    const idle = rows.find(({ cells }) => cells[0] === "idle cost" && cells[1] === "100");
    expect(idle?.cells[4]).not.toContain("!");
  });

  it("is the same page from the same records", () => {
    const results = resultsOf(runsOf(3, { nodes: 12 }));
    expect(report(results)).toBe(report(results));
  });
});

describe("who has less", () => {
  const beside = (ours: object, theirs: object) =>
    parseMarkup(
      report(resultsOf([...runsOf(5, { nodes: 12, ...ours }), ...runsOf(5, { nodes: 12, ...theirs, peer: "serf" })])),
    );

  it.each([
    ["hearsay", 100, 900],
    ["Serf", 900, 100],
  ])("is marked, whoever it is: %s", (winner, ours, theirs) => {
    const { cells, won } = rowOf(beside({ p50Ms: ours }, { p50Ms: theirs }), "cold start", "last");
    expect(won).toEqual([winner === "hearsay" ? cells[4] : cells[5]]);
    expect(won[0]).toMatch(/^✓ /);
    expect(cells.at(-1)).toBe(winner);
    expect(Number.parseFloat(cells[6] ?? "")).toBeGreaterThan(4);
  });

  it("is nobody where the runs overlap, where they are too few, and where one is alone", () => {
    const even = rowOf(beside({ p50Ms: 100, spread: 0.4 }, { p50Ms: 104, spread: 0.4 }), "cold start", "p50");
    expect([even.won, even.cells.at(-1)]).toEqual([[], "no difference beyond noise"]);
    const two = [...runsOf(2, { p50Ms: 10 }), ...runsOf(2, { peer: "serf", p50Ms: 999 })];
    const few = rowOf(parseMarkup(report(resultsOf(two))), "cold start", "p50");
    expect([few.won, few.cells.at(-1)]).toEqual([[], "too few runs"]);
    const alone = rowOf(parseMarkup(report(resultsOf(runsOf(5, {})))), "cold start", "p50");
    expect([alone.won, alone.cells]).toEqual([[], expect.not.arrayContaining(["Serf"])]);
  });

  it("is told apart at the top from what took too few runs to tell", () => {
    const top = (records: readonly unknown[]) => textOf(only(parseMarkup(report(resultsOf(records))), "header"));
    const both = (count: number, wish: object) =>
      ["hearsay", "serf"].flatMap((peer) => runsOf(count, { ...wish, peer, p50Ms: peer === "serf" ? 900 : 100 }));
    expect(top(both(1, {}))).toContain("Too few runs to tell who has less: that takes 3 of each.");
    expect(top(both(5, {}))).toMatch(/of 3: hearsay 2, Serf 0; 1 without a difference beyond noise\./);
    expect(top([...both(5, {}), ...both(2, { scenario: "crash" })])).toContain(
      "of 5: hearsay 2, Serf 0; 1 without a difference beyond noise, 2 with too few runs to tell.",
    );
  });

  it("is nobody where the difference is less than the clocks may be off", () => {
    const blurred = (peer: string, p50Ms: number) =>
      runsOf(5, { peer, p50Ms, spread: 0.001, scenario: "broadcast" }).map((run) => ({
        ...run,
        clockErrorMs: 50,
        figures: { ...run.figures, p50Ms },
      }));
    const row = rowOf(
      parseMarkup(report(resultsOf([...blurred("hearsay", 10), ...blurred("serf", 40)]))),
      "broadcast message",
      "p50",
    );
    expect([row.won, row.cells.at(-1)]).toEqual([[], "within what clocks may be off"]);
  });

  it("is not who gives up early: a run that missed some has no last pair", () => {
    const page = beside({ p50Ms: 900 }, { p50Ms: 100, missed: 5 });
    const { cells, won } = rowOf(page, "cold start", "last");
    expect(cells[5]).toContain("never");
    expect(won).toEqual([cells[4]]);
    expect(cells.at(-1)).toContain("the other did not tell all");
  });
});

describe("a file that carries markup", () => {
  const wish = {
    peer: HOSTILE,
    driver: HOSTILE,
    scenario: HOSTILE.slice(0, 40),
    variant: HOSTILE.slice(0, 30),
    nodes: 12,
  };
  const hostile = [
    ...runsOf(3, wish).map((run) => ({
      ...run,
      machine: { [HOSTILE]: HOSTILE, cpus: [HOSTILE] },
      settings: { [HOSTILE]: { [HOSTILE]: 1 } },
    })),
    { ...plausible(wish), falseDeaths: 2, error: HOSTILE },
    { ...plausible({ nodes: 25 }), skipped: HOSTILE, startedAt: HOSTILE },
    ...runsOf(3, { ...wish, driver: "sim", nodes: 25, falseDeaths: 1 }).map((run) => ({ ...run, startedAt: HOSTILE })),
  ];
  const { records } = resultsOf(hostile);
  const results = { header: { schema: 1, kind: "header", command: HOSTILE, [HOSTILE]: HOSTILE }, records };

  it("is shown as the text that it is", () => {
    const written = report(results, { title: HOSTILE });
    const tree = parseMarkup(written);
    expect(all(tree, "script")).toEqual([]);
    expect(all(tree, "img")).toEqual([]);
    expect(all(tree).filter(({ attributes }) => attributes.has("onerror"))).toEqual([]);
    expect(textOf(only(tree, "h1"))).toBe(HOSTILE.replace("\u202e", "\ufffd"));
    expect(written).not.toContain("\u202e");
    const ids = all(tree).flatMap(({ attributes }) => attributes.get("id") ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("does not make the page grow without end", () => {
    const long = "x".repeat(100_000);
    const records = Array.from({ length: 1_000 }, (_, i) => ({
      ...plausible({ repetition: i }),
      error: `${i} ${long}`,
    }));
    expect(report(resultsOf(records)).length).toBeLessThan(400_000);
  });
});

describe("a page of little", () => {
  it.each([
    ["no runs", []],
    ["only failed ones", [{ ...plausible(), error: "it did not start" }]],
    ["one run", [plausible()]],
    ["one idle run", [plausible({ scenario: "idle" })]],
    ["a run in which nothing came true", [{ ...plausible({ missed: 132 }), views: [] }]],
  ])("is whole: %s", (_name, records) => {
    const written = report(resultsOf(records));
    expect(only(parseMarkup(written), "main").children.length).toBeGreaterThan(0);
    expect(written).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });
});

describe("the command", () => {
  it("writes the page and each picture alone, and refuses what it cannot read in one sentence", () => {
    const folder = mkdtempSync(join(tmpdir(), "hearsay-report-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [from, to, pictures] = ["runs.jsonl", "page.html", "pictures"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(from, resultsText(header, runsOf(3, { nodes: 12 })));
    execFileSync(process.execPath, [REPORT, from, to, "--pictures", pictures]);
    expect(parseMarkup(readFileSync(to, "utf8"))).toBeDefined();
    expect(readdirSync(pictures)).toContain("cold-docker-12-convergence.svg");
    for (const name of readdirSync(pictures)) only(parseMarkup(readFileSync(join(pictures, name), "utf8")), "svg");
    const measured = readFileSync(from, "utf8");
    expect(() => execFileSync(process.execPath, [REPORT, from, from], { stdio: "pipe" })).toThrow("not of a page");
    expect(readFileSync(from, "utf8")).toBe(measured);
    writeFileSync(from, "nonsense\n");
    for (const path of [from, join(folder, "nothing.jsonl")]) {
      expect(() => execFileSync(process.execPath, [REPORT, path, to], { stdio: "pipe" })).toThrow(
        expect.objectContaining({ status: 2, stderr: expect.objectContaining({ length: expect.any(Number) }) }),
      );
    }
  });

  it.each(["report", "tables", "publish", "compare"])(
    "%s says what it takes, and refuses what it does not know",
    (name) => {
      const script = REPORT.replace("report", name);
      const run = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
      const usage = expect.stringContaining(`Usage: node bench/suite/${name}.mjs `);
      expect(run("--help")).toMatchObject({ status: 0, stdout: usage, stderr: "" });
      expect(run()).toMatchObject({ status: 2, stdout: "", stderr: usage });
      if (["report", "compare"].includes(name)) {
        expect(run("one.jsonl")).toMatchObject({ status: 2, stdout: "", stderr: usage });
      }
      expect(run("--size")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--size") });
    },
  );
});
