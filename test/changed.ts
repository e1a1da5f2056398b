/** The repository with a mistake put into it, or a fate: as it was compiled, but for one file, at a place of its own. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create } from 'ts-node'
import { root } from './run.js'

export interface Change {
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
}

const COMPILED = join(root, '.compiled')
const sources = join(COMPILED, 'sources')
/** What a run that was killed left behind is cleared after so long. */
const FORGOTTEN_MS = 24 * 3_600_000

const compiler = create({ cwd: root })

const changed = ({ file, from, to }: Change): string => {
  const path = join(root, file)
  const parts = readFileSync(path, 'utf8').split(from)
  if (parts.length !== 2) throw new Error(`the text stands in ${file} ${parts.length - 1} times`)
  return compiler.compile(parts.join(to), path)
}

/** An empty folder that programs can run from, for who removes it when they are done. */
export const openPlace = (): string => {
  for (const name of readdirSync(COMPILED)) {
    const path = join(COMPILED, name)
    if (path !== sources && statSync(path).mtimeMs < Date.now() - FORGOTTEN_MS) rmSync(path, { recursive: true, force: true })
  }
  return mkdtempSync(join(COMPILED, 'changed-'))
}

/** Lays all files out in a new folder: links to what is compiled, and the one that is another, where one is. */
export const layOut = (folder: string, change?: Change): void => {
  const text = change && changed(change)
  mkdirSync(folder, { recursive: true })
  for (const entry of readdirSync(sources, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name)
    const to = join(folder, from.slice(sources.length))
    if (entry.isDirectory()) mkdirSync(to, { recursive: true })
    else if (from.endsWith('.js')) linkSync(from, to)
  }
  if (change === undefined || text === undefined) return
  const one = join(folder, change.file.replace(/ts$/, 'js'))
  rmSync(one)
  writeFileSync(one, text)
}
