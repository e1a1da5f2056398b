/**
 * The repository as JavaScript, which Node runs without any hook: `.compiled/sources` holds what ts-node makes of each file, at the same place.
 * An output bears the time of its source; whatever differs is made anew, so that what runs is what stands there.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

const root = dirname(import.meta.dirname)
const folder = join(root, '.compiled/sources')
/** What all outputs depend on: the options, the compiler, and what is done with it. */
const SHARED = ['tsconfig.json', 'package-lock.json', 'test/compiled.mjs'].map(name => join(root, name))

/** Where a source is found as JavaScript. */
export const compiledOf = source => join(folder, relative(root, source).replace(/ts$/, 'js'))

const filesIn = (where, ending) => readdirSync(where, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && entry.name.endsWith(ending))
  .map(entry => join(entry.parentPath, entry.name))

/** All that the type check looks at. */
const sources = () => {
  const { include, exclude } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
  const left = exclude.map(name => join(root, name, '/'))
  return include.flatMap(name => filesIn(join(root, name), '.ts')).filter(path => !left.some(out => path.startsWith(out)))
}

const timeOf = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
/** What a file system keeps of a time set by hand may be short of a fraction. */
const isFresh = source => Math.round(timeOf(compiledOf(source))) === Math.trunc(timeOf(source))

/** Nobody ever finds half a file. */
const put = (path, text, time) => {
  const draft = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(draft, text)
  if (time !== undefined) utimesSync(draft, time / 1000, time / 1000)
  renameSync(draft, path)
}

/** Forgets everything that was made by another compiler, or of a source that is no more. */
const tidy = all => {
  const key = SHARED.reduce((hash, path) => hash.update(readFileSync(path)), createHash('sha256')).digest('hex')
  const stamp = join(folder, 'stamp')
  const isSame = statSync(stamp, { throwIfNoEntry: false }) !== undefined && readFileSync(stamp, 'utf8') === key
  if (!isSame) {
    rmSync(folder, { recursive: true, force: true })
    put(stamp, key)
  }
  const wanted = new Set(all.map(compiledOf))
  for (const path of filesIn(folder, '.js')) if (!wanted.has(path)) rmSync(path, { force: true })
}

/** Brings `.compiled/sources` up to date. */
export const compileAll = () => {
  const all = sources()
  tidy(all)
  const open = all.filter(source => !isFresh(source))
  if (open.length === 0) return
  const { create } = createRequire(import.meta.url)('ts-node')
  const service = create({ cwd: root })
  for (const source of open) {
    const time = Math.trunc(timeOf(source))
    put(compiledOf(source), service.compile(readFileSync(source, 'utf8'), source), time)
  }
}
