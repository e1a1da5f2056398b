/**
 * A module loader that runs TypeScript and keeps what ts-node makes of each file, for the hundreds of processes that a test run starts: what
 * is kept loads twice as fast, because ts-node itself is only loaded for a file that is new.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** What is kept was compiled with these options; installing anew clears it. */
const options = await readFile(new URL('../tsconfig.json', import.meta.url))
const folder = fileURLToPath(new URL('../node_modules/.cache/rxraft/', import.meta.url))
/** A file that a mistake is put into is not what it is on the disk. */
const mutated = process.env.MUTATION === undefined ? undefined : JSON.parse(process.env.MUTATION).path

const compile = async (url, context, next) => {
  const { load } = await import('ts-node/esm/transpile-only')
  return load(url, { ...context, format: 'module' }, next)
}

const keep = async (path, source) => {
  await mkdir(folder, { recursive: true })
  const draft = `${path}.${process.pid}`
  await writeFile(draft, source)
  await rename(draft, path)
}

/** What a source imports is a source; so is a program to be started that exists as nothing else. */
const isSource = (specifier, parentURL) => specifier.endsWith('.js')
  && (parentURL === undefined ? specifier.startsWith('file:') && !existsSync(fileURLToPath(specifier)) : specifier.startsWith('.') && parentURL.endsWith('.ts'))

export const resolve = (specifier, context, next) => isSource(specifier, context.parentURL)
  ? { url: new URL(specifier.replace(/js$/, 'ts'), context.parentURL).href, format: 'module', shortCircuit: true }
  : next(specifier, context)

export const load = async (url, context, next) => {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const file = fileURLToPath(url)
  if (file === mutated) return compile(url, context, next)
  const kept = `${folder}${createHash('sha256').update(options).update(url).update(await readFile(file)).digest('hex')}.mjs`
  try {
    return { format: 'module', source: await readFile(kept), shortCircuit: true }
  } catch {
    const compiled = await compile(url, context, next)
    await keep(kept, compiled.source)
    return compiled
  }
}
