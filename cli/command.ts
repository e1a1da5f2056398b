/** One subcommand of `rxraft`. */
export interface Command {
  /** All of its `--help`. */
  readonly help: string
  /** It goes on when what it prints cannot be written any more; others end then. */
  readonly isService?: true
  /** Resolves with the exit code; rejects with a `Mistake` that says what the arguments or files lack, or with a `Trouble`. */
  run(args: readonly string[]): Promise<number>
}
