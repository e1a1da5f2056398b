/** What every measure needs: to wait, and a place for its data. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const pause = (ms: number): Promise<void> => new Promise(resume => setTimeout(resume, ms))

const PATIENCE_MS = 300_000

/** Resolves with the time when that holds. */
export const until = async (holds: () => boolean, what: string): Promise<number> => {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(5)) if (holds()) return performance.now()
  throw new Error(`waited in vain for ${what}`)
}

/** A new folder, where `--dir` says or in the system's folder for temporary files. */
export const newFolder = (parent = tmpdir()): string => mkdtempSync(join(parent, 'rxraft-bench-'))

/** A folder for as long as `work` takes. */
export const inFolder = async <A>(work: (folder: string) => Promise<A>): Promise<A> => {
  const folder = newFolder()
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
