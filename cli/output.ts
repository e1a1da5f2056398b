/** Standard output that cannot be written: what was to be told there is part of how a program ends. */

let unread = 0

/** The exit code, at least, where what is printed from here on reaches nobody. */
export const ifUnread = (code: number): void => { unread = code }

/** Ends the program once its output fails, no better than it stands by then, and with 1 at least; a reader who goes away has seen enough, and that is no failure. */
export const endWithOutput = (): void => {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    const isEnough = code === 'EPIPE'
    if (!isEnough) process.stderr.write(`Standard output cannot be written: ${message}\n`)
    process.exit(Math.max(unread, Number(process.exitCode ?? 0), isEnough ? 0 : 1))
  })
}
