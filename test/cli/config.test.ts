// What is said wrongly on the command line is one sentence on stderr and exit code 2.

import { describe, expect, it } from "vitest";
import { Command, getJson, run } from "./door.ts";

const long = "x".repeat(200);

const wrong: [args: string, environment: Record<string, string>, sentence: string][] = [
  ["node --host localhost", {}, '--host: expected an IP address, got "localhost"'],
  ["node", { HOST: "300.1.1.1" }, 'HOST: expected an IP address, got "300.1.1.1"'],
  ["node --advertise example.org", {}, '--advertise: expected ip or ip:port, got "example.org"'],
  ["node --advertise 10.0.0.1:0", {}, '--advertise: expected ip or ip:port, got "10.0.0.1:0"'],
  ["node", { ADVERTISE: "0.0.0.0" }, 'ADVERTISE: expected ip or ip:port, got "0.0.0.0"'],
  ["node --http-port 65536", {}, '--http-port: expected a port from 0 to 65535, got "65536"'],
  ["node", { HTTP_PORT: "http" }, 'HTTP_PORT: expected a port from 0 to 65535, got "http"'],
  ["node --gossip-port=-1", {}, '--gossip-port: expected a port from 0 to 65535, got "-1"'],
  ["bootstrap", { GOSSIP_PORT: "7979.5" }, 'GOSSIP_PORT: expected a port from 0 to 65535, got "7979.5"'],
  [
    "node --advertise-http 10.0.0.1:5000",
    {},
    '--advertise-http: expected an http:// or https:// URL without query or password, got "10.0.0.1:5000"',
  ],
  [
    "node",
    { BOOTSTRAP_URL: "ftp://bootstrap" },
    'BOOTSTRAP_URL: expected an http:// or https:// URL without query or password, got "ftp://bootstrap"',
  ],
  ["node --seeds 10.0.0.1:7979,10.0.0.2:99999", {}, '--seeds: expected host or host:port, got "10.0.0.2:99999"'],
  ["node", { SEEDS: "http://seed" }, 'SEEDS: expected host or host:port, got "http://seed"'],
  ["node --name all", {}, '--name: expected 1 to 128 printable bytes, and not "all", got "all"'],
  ["node", { NODE_NAME: "a\nb" }, 'NODE_NAME: expected 1 to 128 printable bytes, and not "all", got "a\\nb"'],
  [`node --cluster ${long}`, {}, `--cluster: expected 1 to 32 printable bytes, got "${long.slice(0, 79)}…"`],
  ["node --preset fast", {}, '--preset: expected lan, wan or local, got "fast"'],
  ["node", { PRESET: "LAN" }, 'PRESET: expected lan, wan or local, got "LAN"'],
  ["node --log-level loud", {}, '--log-level: expected trace, debug, info, warn, error, fatal, silent, got "loud"'],
  ["node --tag zone=a --tag rack", {}, '--tag: expected key=value, got "rack"'],
  ["node", { TAGS: "zone=a,=b" }, 'TAGS: expected key=value, got "=b"'],
  [
    `node --host 127.0.0.1 --http-port 0 --gossip-port 0 --tag a=${long} --tag b=${long} --tag c=${long}`,
    {},
    "Expected name, url, role and tags to take at most 512 bytes together",
  ],
  ["node", { HELLO: "maybe" }, 'HELLO: expected 1 or 0, got "maybe"'],
  ["node", { ADMIN_TOKEN: "two words" }, "ADMIN_TOKEN: expected a token without spaces, got something else"],
  ["cluster --nodes 0", {}, '--nodes: expected a number from 1 to 200, got "0"'],
  ["cluster", { NODES: "201" }, 'NODES: expected a number from 1 to 200, got "201"'],
  ["cluster --http-port 65530", {}, "--http-port: expected at most 65523 with 12 nodes, got 65530"],
  ["sim --nodes many", {}, "--nodes: expected an integer from 3 to"],
  ["sim", { NODES: "many" }, "--nodes: expected an integer from 3 to"],
  ["sim", { SCENARIO: "war" }, "SCENARIO: expected converge, bridge, "],
  ["sim", { PLAIN: "maybe" }, 'PLAIN: expected 1 or 0, got "maybe"'],
  ["sim", { JSON: "2" }, 'JSON: expected 1 or 0, got "2"'],
  ["sim --scenario war", {}, "option '--scenario <name>' argument 'war' is invalid."],
  ["node --colour", {}, "unknown option '--colour'"],
  ["node --http-port", {}, "option '--http-port <port>' argument missing"],
  ["node --admin-token secret", {}, "unknown option '--admin-token'"],
  ["node twice", {}, "too many arguments for 'node'"],
  ["nod", {}, "unknown command 'nod'"],
];

describe("a wrong command line", () => {
  it.each(wrong)("%s %j is told: %s", async (args, environment, sentence) => {
    const { code, stdout, stderr } = await run(args.split(" "), environment);
    expect(stderr).toContain(`hearsay: ${sentence}`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe("a right command line", () => {
  it("prints its version, its commands, and its help with every variable", async () => {
    const { stdout: commands } = await run(["--help"]);
    for (const command of ["node", "bootstrap", "cluster", "sim"]) expect(commands).toContain(`\n  ${command} `);
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const { code, stdout } = await run(["node", "--help"]);
    expect(code).toBe(0);
    for (const variable of ["HOST", "ADVERTISE", "HTTP_PORT", "GOSSIP_PORT", "ADVERTISE_HTTP", "BOOTSTRAP_URL"]) {
      expect(stdout).toContain(variable);
    }
    for (const variable of ["SEEDS", "NODE_NAME", "CLUSTER", "PRESET", "LOG_LEVEL", "TAGS", "HELLO", "ADMIN_TOKEN"]) {
      expect(stdout).toContain(variable);
    }
  });

  it("simulates: the same seed gives the same line, byte for byte", async () => {
    const args = ["sim", "--nodes", "20", "--scenario", "converge", "--loss", "0.05", "--seed", "7", "--json"];
    const [first, second] = [await run(args), await run(args)];
    expect(JSON.parse(first.stdout)).toMatchObject({ scenario: "converge", nodes: 20, loss: 0.05, seed: 7 });
    expect(first.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(second).toEqual(first);
  });

  it("takes a switch's variable as on or off, in the simulator as well, and an empty one as none", async () => {
    const simulated = async (environment: Record<string, string>, ...options: string[]) =>
      (await run(["sim", "--nodes", "5", ...options], environment)).stdout;
    const plain = await simulated({});
    expect(plain).toMatch(/^converge: 5 members/);
    for (const off of ["0", "false", "No", "off", ""]) {
      expect(await simulated({ PLAIN: off, JSON: off, SCENARIO: "", SEED: "", SET: "" })).toBe(plain);
    }
    for (const on of ["1", "true", "Yes", "on"]) {
      expect(JSON.parse(await simulated({ PLAIN: on, JSON: on, SEED: "4" }, "--seed", "9"))).toMatchObject({
        seed: 9,
        config: { damping: false },
      });
    }
  });

  it("takes variables, lets options beat them, and counts empty ones as none", async () => {
    const environment = {
      HOST: "127.0.0.1",
      HTTP_PORT: "0",
      GOSSIP_PORT: "0",
      NODE_NAME: "from the variable",
      ADVERTISE: "127.0.0.2:4242",
      ADVERTISE_HTTP: "https://node.example/face/",
      TAGS: "zone=a, rack=7",
      PRESET: "",
      SEEDS: " , ",
      BOOTSTRAP_URL: "",
      ADMIN_TOKEN: "",
    };
    await using node = new Command(["node", "--name", "from the option"], environment);
    const { httpPort, msg, id } = await node.runs();
    expect(msg).toBe(`Node ${id} is running`);
    const { members } = (await getJson<{ members: object[] }>(`http://127.0.0.1:${httpPort}/members`)) ?? {};
    expect(members).toMatchObject([
      {
        name: "from the option",
        address: "127.0.0.2:4242",
        url: "https://node.example/face",
        role: "node",
        tags: { zone: "a", rack: "7" },
      },
    ]);
  });
});
