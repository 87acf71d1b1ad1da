// Which driver there is for which peer. A driver's file is loaded when it is asked for: one engine more or less on the
// machine concerns nobody else.

const FILES = {
  docker: { hearsay: ["./docker.mjs", "DockerDriver"], serf: ["./docker.mjs", "DockerSerfDriver"] },
  process: { hearsay: ["./process.mjs", "ProcessDriver"], serf: ["./serf.mjs", "SerfDriver"] },
  udp: { hearsay: ["./udp.mjs", "UdpDriver"] },
  sim: { hearsay: ["./sim.mjs", "SimDriver"] },
};

export const DRIVERS = Object.keys(FILES);
export const PEERS = ["hearsay", "serf"];

/** @returns {Promise<{ Driver?: typeof import("./driver.mjs").Driver, why?: string }>} the class, or why there is none */
export async function driverOf(driver, peer) {
  const [file, name] = FILES[driver][peer] ?? [];
  if (file === undefined) return { why: `${driver} has no ${peer} members` };
  let module;
  try {
    module = await import(file);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return { why: `The driver ${driver} is not here: ${error.message}` };
  }
  const Driver = module[name];
  if (Driver === undefined) return { why: `The driver ${driver} has no ${peer} members` };
  const why = await Driver.available();
  return why === undefined ? { Driver } : { why };
}
