/** The repository with a mistake put into it, or a fate: as it was compiled, but for one file, at a place of its own. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** As compilers write it. */
const IMPORT = /(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g
/** Modules that must be in the tree itself: those that import its `ava`, and those that look for files beside themselves. */
const ROOTED = /from ['"]ava['"]|import\.meta/

interface Imports {
  readonly importers: ReadonlyMap<string, readonly string[]>
  readonly rooted: readonly string[]
}

const readImports = (): Imports => {
  const importers = new Map<string, string[]>()
  const rooted: string[] = []
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))) {
    const text = readFileSync(join(sources, name), 'utf8')
    if (ROOTED.test(text)) rooted.push(name)
    for (const [, specifier = ''] of text.matchAll(IMPORT)) {
      const imported = join(dirname(name), specifier)
      const known = importers.get(imported)
      if (known) known.push(name)
      else importers.set(imported, [name])
    }
  }
  return { importers, rooted }
}

let imports: Imports | undefined

/** What must lie in a tree itself: what is changed and what is rooted, whatever imports it, and the folders of all that. */
const ownWith = (change: Change | undefined): ReadonlySet<string> => {
  const { importers, rooted } = imports ??= readImports()
  const own = new Set<string>()
  const add = (name: string): void => {
    if (own.has(name)) return
    own.add(name)
    for (const importer of importers.get(name) ?? []) add(importer)
    add(dirname(name))
  }
  for (const name of rooted) add(name)
  if (change) add(change.file.replace(/ts$/, 'js'))
  return own
}

/**
 * Lays all files out in a new folder. What has to do with the change is there itself, and a link leads to all else, whose imports lead nowhere else either: in a process of many trees
 * it is loaded once.
 */
export const layOut = (folder: string, change?: Change): void => {
  const text = change && changed(change)
  const own = ownWith(change)
  const lay = (inside: string): void => {
    mkdirSync(join(folder, inside), { recursive: true })
    for (const entry of readdirSync(join(sources, inside), { withFileTypes: true })) {
      const name = join(inside, entry.name)
      if (!own.has(name)) symlinkSync(join(sources, name), join(folder, name))
      else if (entry.isDirectory()) lay(name)
      else linkSync(join(sources, name), join(folder, name))
    }
  }
  lay('.')
  if (change === undefined || text === undefined) return
  const one = join(folder, change.file.replace(/ts$/, 'js'))
  rmSync(one)
  writeFileSync(one, text)
}
