/** One subcommand of `rxraft`. */
export interface Command {
  /** What it does, in a line. */
  readonly summary: string
  /** All of its `--help`. */
  readonly help: string
  /** Resolves with the exit code; rejects with a `Mistake` that says what the arguments or files lack. */
  run(args: readonly string[]): Promise<number>
}
