/** The architecture as a test: which way the arrows run, how large things may grow, and what the core must not touch. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { root } from './run.js'

const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 60
const MAX_FOLDER_FILES = 14

/** A folder may import from itself and from the folders named here. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  codecs: ['lib'],
  streams: ['lib', 'codecs'],
  client: ['lib', 'codecs', 'streams'],
  testing: ['lib', 'codecs', 'streams', 'client'],
  cli: ['lib', 'codecs', 'streams', 'client', 'testing'],
  examples: ['lib', 'codecs', 'streams', 'client', 'testing'],
  benchmarks: ['lib', 'codecs', 'streams', 'client', 'testing', 'cli', 'examples'],
  test: ['lib', 'codecs', 'streams', 'client', 'testing', 'cli', 'examples', 'benchmarks'],
}

/** Inside the core a file imports only from rows above its own, but for the first row, whose files are vocabulary to each other. */
const LIB_ROWS: readonly (readonly string[])[] = [
  ['prelude', 'types', 'errors', 'random', 'snapshot-id', 'messages', 'requests', 'events', 'bounds', 'names'],
  ['batch', 'hard-state', 'membership', 'quorum', 'search', 'window'],
  ['change', 'well-formed'],
  ['possible'],
  ['log', 'progress', 'outbox'],
  ['state'],
  ['rounds', 'election-wait', 'fitness', 'agreement'],
  ['lease'],
  ['contact', 'hearing', 'stamp', 'status', 'storing', 'draft', 'invariants', 'reach', 'sequels', 'giving-way', 'pacing'],
  ['convert', 'sending', 'health', 'joining', 'catching-up'],
  ['election'],
  ['voting', 'departure', 'follower', 'candidate', 'leader', 'timers', 'commitment', 'replication', 'acknowledgement', 'reads', 'application', 'receiving', 'compaction'],
  ['assembling', 'awaiting', 'transfer', 'reconfiguration', 'ready'],
  ['step'],
  ['recover'],
  ['index'],
]

/** The same for the rooms of `streams`: a room imports only from rows above its own. */
const STREAM_ROWS: readonly (readonly string[])[] = [
  ['act', 'time', 'proposer'],
  ['storage/disk'],
  ['machine', 'transport', 'recorder', 'storage/files'],
  ['transport/tcp', 'requests', 'storage/log', 'storage/snapshots'],
  ['storage', 'reads', 'tracking', 'wishes'],
  ['snapshots'],
  ['outputs'],
  ['pipeline'],
  ['member'],
  ['.'],
]
const CORE_MUST_NOT_NAME = new Set(['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'console', 'process', 'Buffer', 'crypto'])

interface Source { readonly path: string; readonly folder: string; readonly text: string; readonly tree: ts.SourceFile; readonly imports: readonly string[] }

const sourcesIn = (folder: string): readonly Source[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.ts$/.test(entry.name) && !/(fixtures|node_modules|nestjs)/.test(entry.parentPath ?? ''))
    .map(entry => join(entry.parentPath, entry.name))
    .map(file => {
      const text = readFileSync(file, 'utf8')
      const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
      return { path: relative(root, file), folder, text, tree, imports: importsOf(tree) }
    })

const importsOf = (tree: ts.SourceFile): readonly string[] => {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const specifier = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined
    if (specifier && ts.isStringLiteral(specifier)) found.push(specifier.text)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const all = Object.keys(ARROWS).flatMap(sourcesIn)
const shipped = all.filter(({ folder }) => folder !== 'test')
const targetOf = (from: Source, specifier: string): string => relative(root, resolve(root, dirname(from.path), specifier.replace(/\.js$/, '.ts')))
const relativeImports = (source: Source): readonly string[] => source.imports.filter(name => name.startsWith('.')).map(name => targetOf(source, name))

const each = (source: Source, look: (node: ts.Node) => string | undefined): readonly string[] => {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const fault = look(node)
    if (fault !== undefined) found.push(`${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${fault}`)
    ts.forEachChild(node, visit)
  }
  visit(source.tree)
  return found
}

test('folders import one way', t => {
  const wrong = all.flatMap(source => relativeImports(source)
    .filter(target => !target.startsWith(`${source.folder}/`) && !ARROWS[source.folder]!.some(allowed => target.startsWith(`${allowed}/`)))
    .map(target => `${source.path} → ${target}`))
  t.deepEqual(wrong, [])
})

test('the control server, which ships as a library, imports nothing of the programs beside it', t => {
  const wrong = all.filter(({ path }) => path.startsWith('cli/control/')).flatMap(source => relativeImports(source)
    .filter(target => target.startsWith('cli/') && !target.startsWith('cli/control/'))
    .map(target => `${source.path} → ${target}`))
  t.deepEqual(wrong, [])
})

test('no circle of imports', t => {
  const graph = new Map(all.map(source => [source.path, relativeImports(source)]))
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) walk(next, [...trail, path])
      done.add(path)
    }
  }
  for (const path of graph.keys()) walk(path, [])
  t.deepEqual(circles, [])
})

test('inside the core, imports run from the later rows to the earlier', t => {
  const rowOf = (path: string): number => LIB_ROWS.findIndex(row => row.includes(path.replace(/^lib\/|\.ts$/g, '')))
  const lib = all.filter(({ folder }) => folder === 'lib')
  t.deepEqual(lib.filter(({ path }) => rowOf(path) < 0).map(({ path }) => path), [], 'every file of the core has its row')
  const wrong = lib.flatMap(source => relativeImports(source)
    .filter(target => rowOf(source.path) > 0 ? rowOf(target) >= rowOf(source.path) : rowOf(target) > 0)
    .map(target => `${source.path} → ${target}`))
  t.deepEqual(wrong, [])
})

test('the rooms of streams import one way', t => {
  const roomOf = (path: string): string => dirname(relative('streams', path))
  const rowOf = (path: string): number => STREAM_ROWS.findIndex(row => row.includes(roomOf(path)))
  const streams = all.filter(({ folder }) => folder === 'streams')
  t.deepEqual(streams.filter(({ path }) => rowOf(path) < 0).map(({ path }) => path), [], 'every room has its row')
  const wrong = streams.flatMap(source => relativeImports(source)
    .filter(target => target.startsWith('streams/') && roomOf(target) !== roomOf(source.path) && rowOf(target) >= rowOf(source.path))
    .map(target => `${source.path} → ${target}`))
  t.deepEqual(wrong, [])
})

test('the core touches no stream, codec, clock, chance or machine', t => {
  const lib = all.filter(({ folder }) => folder === 'lib')
  const packages = lib.flatMap(({ path, imports }) => imports.filter(name => !name.startsWith('.') && path !== 'lib/prelude.ts').map(name => `${path} → ${name}`))
  t.deepEqual(packages, [])
  const named = lib.flatMap(source => each(source, node =>
    ts.isIdentifier(node) && CORE_MUST_NOT_NAME.has(node.text) ? node.text
      : ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random' ? 'Math.random' : undefined))
  t.deepEqual(named, [])
})

test('codecs know nothing of streams', t => {
  t.deepEqual(all.filter(({ folder, imports }) => folder === 'codecs' && imports.some(name => name.startsWith('rxjs'))).map(({ path }) => path), [])
})

test('fp-ts and io-ts are named only in the forms that Node resolves', t => {
  const wrong = all.flatMap(({ path, imports }) => imports
    .filter(name => /^(fp-ts|io-ts)/.test(name) && !/^(fp-ts|io-ts)$/.test(name) && !/^(fp-ts|io-ts)\/lib\/\w+\.js$/.test(name))
    .map(name => `${path} → ${name}`))
  t.deepEqual(wrong, [])
})

test(`no file has more than ${MAX_FILE_LINES} lines`, t => {
  t.deepEqual(all.filter(({ text }) => text.split('\n').length - 1 > MAX_FILE_LINES).map(({ path }) => path), [])
})

test(`no room of streams has more than ${MAX_FOLDER_FILES} files`, t => {
  const rooms = shipped.filter(({ folder }) => folder === 'streams').map(({ path }) => dirname(path))
  t.deepEqual([...new Set(rooms)].filter(room => rooms.filter(other => other === room).length > MAX_FOLDER_FILES), [])
})

test(`no function has more than ${MAX_FUNCTION_LINES} lines`, t => {
  const linesOf = (source: Source, node: ts.Node): number =>
    source.tree.getLineAndCharacterOfPosition(node.end).line - source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const long = shipped.flatMap(source => each(source, node =>
    ts.isFunctionLike(node) && linesOf(source, node) > MAX_FUNCTION_LINES ? `a function of ${linesOf(source, node)} lines` : undefined))
  t.deepEqual(long, [])
})

/** What says that something is not done, or not to be looked at; in halves, so that this file says none of it. */
const MARKS = new RegExp([
  `\\b(${[['TO', 'DO'], ['FIX', 'ME'], ['XX', 'X'], ['HA', 'CK']].map(halves => halves.join('')).join('|')})\\b`,
  `@${'ts'}-(ignore|nocheck|expect-error)`, `eslint-${'disable'}`,
].join('|'))

test('no any, no suppressed check, nothing left to do', t => {
  const anys = all.flatMap(source => each(source, node => node.kind === ts.SyntaxKind.AnyKeyword ? 'any' : undefined))
  const marks = all.filter(({ text }) => MARKS.test(text)).map(({ path }) => path)
  t.deepEqual([...anys, ...marks], [])
})

test('Observables end in $, and nothing else does', t => {
  const isStream = (type: string): boolean => /^(Observable|ConnectableObservable)</.test(type)
  const wrong = shipped.flatMap(source => each(source, node => {
    if (!(ts.isVariableDeclaration(node) || ts.isPropertySignature(node) || ts.isParameter(node)) || node.type === undefined) return undefined
    const name = node.name.getText()
    return isStream(node.type.getText()) !== name.endsWith('$') && !name.startsWith('{') ? name : undefined
  }))
  t.deepEqual(wrong, [])
})

const documents = [...readdirSync(root).filter(name => name.endsWith('.md')), ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

test('nothing is left of a merge', t => {
  const texts = [...documents.map(name => [name, readFileSync(join(root, name), 'utf8')] as const), ...all.map(({ path, text }) => [path, text] as const)]
  t.deepEqual(texts.filter(([, text]) => /^(<{7}|>{7}) /m.test(text)).map(([name]) => name), [])
})

test('one heading of the first level in every document', t => {
  const outsideCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '')
  t.deepEqual(documents.filter(name => (outsideCode(readFileSync(join(root, name), 'utf8')).match(/^# /gm) ?? []).length !== 1), [])
})
