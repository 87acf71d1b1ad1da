// What ends a command with one sentence on stderr rather than a stack. Any other error is a bug and shows its stack.

export class CommandFault extends Error {
  override readonly name = "CommandFault";
  /** 2: the command was given wrongly. 1: the world is not as it has to be. */
  readonly exitCode: 1 | 2;
  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What the system calls an error; else its text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** What a bind may meet, in a sentence that says what to do. */
export function bindFault(
  code: string,
  { host, port, kind }: { readonly host: string; readonly port: number; readonly kind: "HTTP" | "UDP" },
  cause: unknown,
): CommandFault {
  const option = kind === "HTTP" ? "--http-port" : "--gossip-port";
  const airplay = kind === "HTTP" && port === 5000 ? " (on macOS AirPlay holds 5000)" : "";
  const sentence =
    {
      EADDRINUSE: `Port ${port} (${kind}) is taken by another program; choose another with ${option}${airplay}`,
      EACCES: `Port ${port} (${kind}) needs rights that this user has not; choose one from 1024 up with ${option}`,
      EADDRNOTAVAIL: `This machine has no address ${host}; choose one that it has with --host`,
    }[code] ?? `Port ${port} (${kind}) on ${host} cannot be bound: ${code}`;
  return new CommandFault(1, sentence, { cause });
}
