// Before the first file: an engine, no network of the user's own, free ports, nothing left of an earlier run. After the last:
// nothing left of this one.

import { once } from "node:events";
import { createServer } from "node:net";
import { docker, imagesPresent, refuseStrangers, removeImages, sweep, unlabelledRunning } from "./docker.ts";
import { refuseOthers, removeMarker, writeMarker } from "./marker.ts";

/** The literal lines name them. */
const PORTS = Array.from({ length: 13 }, (_, i) => 5000 + i);

export default async function setup(): Promise<() => Promise<void>> {
  await docker(["version", "--format", "{{.Server.Version}}"]).catch((cause: unknown) => {
    throw new Error("the container tests need a running Docker engine: `docker version` fails", { cause });
  });
  await refuseOthers(await unlabelledRunning());
  await writeMarker();
  await sweep();
  await refuseStrangers();
  await refuseTakenPorts();
  const before = await imagesPresent();
  return async () => {
    await sweep();
    const after = await imagesPresent();
    await removeImages(after.filter((image) => !before.includes(image)));
    await removeMarker();
  };
}

/** @throws Error naming every port that another program holds */
async function refuseTakenPorts(): Promise<void> {
  const taken = [];
  for (const port of PORTS) if (!(await isFree(port))) taken.push(port);
  if (taken.length === 0) return;
  const which = taken.length === 1 ? `port ${taken[0]} is` : `ports ${taken.join(", ")} are`;
  throw new Error(`${which} taken by another program: the container tests need 5000 to 5012 free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  // Rejects on `error`.
  const outcome = once(server, "listening").then(
    () => true,
    () => false,
  );
  server.listen({ port, host: "0.0.0.0", exclusive: true });
  const free = await outcome;
  if (free) {
    server.close();
    await once(server, "close");
  }
  return free;
}
