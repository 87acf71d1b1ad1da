import dns from "node:dns";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LookupError } from "../../src/http/lookup.ts";
import { getJson, HttpError, postJson } from "../../src/http/post.ts";
import { buildHouse, deferred, listen } from "./house.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(handler: RequestListener): Promise<string> {
  const { port, close } = await listen(createServer(handler));
  closing.push(close);
  return `http://127.0.0.1:${port}`;
}

async function failure(promise: Promise<unknown>): Promise<HttpError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpError)) throw new Error(`expected an HttpError, got ${String(error)}`);
  return error;
}

describe("postJson and getJson", () => {
  it("talk to a node", async () => {
    const { app, inbox, gossip } = buildHouse();
    const url = await serve(app);
    const answer = await postJson(`${url}/message`, { sender: "a", msg: "grüezi" });
    expect([answer.status, answer.body]).toEqual([200, { status: "received" }]);
    expect(inbox.since(0)).toMatchObject([{ msg: "grüezi" }]);
    const registered = await postJson(`${url}/register`, { address: "http://10.0.0.7:5000" });
    expect(registered.headers["hearsay-seeds"]).toBe(gossip.self.address);
    expect((await getJson(`${url}/ping`)).body).toEqual({ response: "pong", node_id: gossip.self.id });
  });

  it("keep no connection and follow no redirect", async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((req, res) => {
      paths.push(req.url);
      expect(req.headers.connection).toBe("close");
      res.writeHead(302, { Location: "/elsewhere" }).end();
    });
    const error = await failure(getJson(`${url}/here`));
    expect([error.code, error.status]).toEqual(["ERR_STATUS", 302]);
    expect(paths).toEqual(["/here"]);
  });

  it("fail with the status that is not 2xx", async () => {
    const url = await serve((_req, res) => void res.writeHead(503).end('{"error":"full"}'));
    const error = await failure(postJson(url, {}));
    expect(error).toMatchObject({ code: "ERR_STATUS", status: 503, message: `${url} answered 503` });
  });

  it.each(["before any answer", "in the middle of one", "in a trickle"])("have one deadline: %s", async (when) => {
    const url = await serve((_req, res) => {
      if (when === "before any answer") return;
      res.writeHead(200).write("{");
      if (when === "in a trickle") closing.push(() => clearInterval(trickle));
      const trickle = setInterval(() => when === "in a trickle" && res.write(" "), 5).unref();
    });
    const error = await failure(getJson(url, { timeoutMs: 60 }));
    expect(error.code).toBe("ERR_TIMEOUT");
  });

  it("look names up themselves, never by the system's call that nothing can end", async () => {
    const url = await serve((_req, res) => void res.end("{}"));
    const { port } = new URL(url);
    const systems = vi.spyOn(dns, "lookup");
    try {
      expect((await getJson(`http://localhost:${port}`)).status).toBe(200);
      const lookup = async (host: string) => (host === "boot.example" ? ["127.0.0.1"] : []);
      const answer = await getJson(`http://boot.example:${port}`, { lookup });
      expect([answer.status, answer.ip]).toEqual([200, "127.0.0.1"]);
      expect(systems).not.toHaveBeenCalled();
    } finally {
      systems.mockRestore();
    }
  });

  it("tell that a name stands for nobody", async () => {
    const lookup = () => Promise.reject(new LookupError("ENOTFOUND", "boot.example does not resolve: ENOTFOUND"));
    const error = await failure(getJson("http://boot.example:5000/ping", { lookup }));
    expect(error.code).toBe("ERR_UNREACHABLE");
    expect(error.message).toBe("http://boot.example:5000/ping cannot be reached: ENOTFOUND");
  });

  it("end with the reason of the signal", async () => {
    const reached = deferred();
    const url = await serve(() => reached.resolve());
    const ending = new AbortController();
    const posted = postJson(url, {}, { signal: ending.signal }).then(
      () => "answered",
      (reason: unknown) => reason,
    );
    await reached.promise;
    ending.abort("we are leaving");
    expect(await posted).toBe("we are leaving");
    await expect(getJson(url, { signal: AbortSignal.abort("too late") })).rejects.toBe("too late");
  });

  it("do not read more than they were told to", async () => {
    const url = await serve((_req, res) => void res.end(JSON.stringify({ text: "x".repeat(300 * 1024) })));
    expect((await failure(getJson(url))).code).toBe("ERR_TOO_LARGE");
    expect((await getJson(url, { bytesMax: 400 * 1024 })).status).toBe(200);
  });

  it("tell what is not JSON, where that counts", async () => {
    const url = await serve((_req, res) => void res.end("<html>"));
    expect((await failure(getJson(url))).code).toBe("ERR_NOT_JSON");
    expect((await postJson(url, {})).body).toBeUndefined();
  });

  it("tell that nobody is there", async () => {
    const { port, close } = await listen(createServer());
    await close();
    const error = await failure(postJson(`http://127.0.0.1:${port}`, {}));
    expect(error.code).toBe("ERR_UNREACHABLE");
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each(["", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "nonsense\r\n\r\n"])(
    "survive a connection that breaks after %j",
    async (text) => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.end(text));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closing.push(() => void server.close());
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      expect((await failure(getJson(`http://127.0.0.1:${port}`, { timeoutMs: 5000 }))).code).toBe("ERR_UNREACHABLE");
    },
  );

  it.each(["", "10.0.0.1:5000", "ftp://10.0.0.1/", "file:///etc/passwd", "http://user:pw@10.0.0.1/"])(
    "take only http(s) URLs, not %j",
    async (url) => {
      expect((await failure(getJson(url))).code).toBe("ERR_URL");
      expect((await failure(postJson(url, {}))).code).toBe("ERR_URL");
    },
  );

  it("leave nothing behind on a signal that lives long", async () => {
    const url = await serve((_req, res) => void res.end("{}"));
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await getJson(url, { signal });
    await failure(getJson("http://127.0.0.1:1", { signal }));
    expect(listeners).toBe(0);
  });
});
