/** The package as it ships: packed, unpacked beside its peers, and used from ES modules, CommonJS and TypeScript. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import ts from 'typescript'
import { root, run, scratch } from './run.js'

const node = process.execPath
const PEERS = ['rxjs', 'io-ts', 'fp-ts', 'tslib']
const ENTRIES = ['rxraft', 'rxraft/lib', 'rxraft/codecs', 'rxraft/streams', 'rxraft/client', 'rxraft/control', 'rxraft/recorder', 'rxraft/testing']

const counter = `
const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})
const main = async () => {
  const { n1, n2, n3 } = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'] }))
  console.log('answer', orThrow(await n2.propose({ add: 42 })))
  await Promise.all([n1, n2, n3].map(raft => raft.stop()))
}
`

/** Where the tarball lies, for all tests; gone when they are over. */
const packed = mkdtempSync(join(tmpdir(), 'rxraft-test-'))
let tarball = ''
/** All that is in it. */
let names: readonly string[] = []
test.before(() => {
  const out = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', packed], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const [{ filename, files }] = JSON.parse(out) as [{ filename: string; files: { path: string }[] }]
  names = files.map(({ path }) => path)
  tarball = join(packed, filename)
})
test.after.always(() => rmSync(packed, { recursive: true, force: true }))

/** Sources that a document leads to, beside what is imported and run. */
const SHOWN = /^(examples\/|benchmarks\/README\.md$|cli\/demo\/numbered\.ts$)/

test('nothing but the library, its command and what its documents lead to ships', t => {
  t.deepEqual(names.filter(path => !SHOWN.test(path) && /^(test|benchmarks|cli|examples)\/|dist\/(test|benchmarks|cli\/demo|examples)\//.test(path)), [])
})

test('every link of a document that ships leads to what ships', t => {
  const leadsNowhere = names.filter(path => path.endsWith('.md')).flatMap(path => {
    const links = [...readFileSync(join(root, path), 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link).filter(link => !/^[a-z]+:/.test(link))
    return links.filter(link => {
      const target = join(dirname(path), link)
      return !names.some(name => name === target || name.startsWith(`${target}/`))
    }).map(link => `${path}: ${link}`)
  })
  t.deepEqual(leadsNowhere, [])
})

/** A project of somebody's, with the tarball and its peers installed. */
const consumer = async (t: ExecutionContext): Promise<string> => {
  const folder = scratch(t)
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  t.is((await run(t, 'tar', ['-xzf', tarball, '-C', modules])).code, 0)
  cpSync(join(modules, 'package'), join(modules, 'rxraft'), { recursive: true })
  for (const peer of PEERS) symlinkSync(join(root, 'node_modules', peer), join(modules, peer))
  mkdirSync(join(modules, '@types'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(modules, '@types/node'))
  return folder
}

test('ES modules, CommonJS and every entry point', async t => {
  const folder = await consumer(t)
  writeFileSync(join(folder, 'main.mjs'), `import * as t from 'io-ts'\nimport { memoryCluster, orThrow, reducerMachine } from 'rxraft'\n${counter}\nawait main()`)
  writeFileSync(join(folder, 'main.cjs'), `const t = require('io-ts')\nconst { memoryCluster, orThrow, reducerMachine } = require('rxraft')\n${counter}\nmain()`)
  writeFileSync(join(folder, 'entries.mjs'), `${ENTRIES.map((entry, i) => `import * as e${i} from '${entry}'`).join('\n')}\nconsole.log([${ENTRIES.map((_, i) => `Object.keys(e${i}).length > 0`).join(',')}].every(Boolean))`)
  for (const program of ['main.mjs', 'main.cjs']) {
    const { code, out, err } = await run(t, node, [program], { cwd: folder })
    t.is(code, 0, err)
    t.regex(out, /^answer 42$/m, program)
  }
  t.is((await run(t, node, ['entries.mjs'], { cwd: folder })).out, 'true\n')
})

/** What the compiler says, as `tsc` with these arguments, of the program and of the package: three times in one process, which has to warm up once. */
const faultsIn = (folder: string, args: readonly string[]): string => {
  const { options, fileNames, errors } = ts.parseCommandLine(args)
  const host: ts.CompilerHost = { ...ts.createCompilerHost(options), getCurrentDirectory: () => folder }
  const program = ts.createProgram(fileNames.map(name => join(folder, name)), options, host)
  const ours = program.getSourceFiles().filter(({ fileName }) => fileNames.includes(relative(folder, fileName)) || fileName.includes('/rxraft/'))
  return ts.formatDiagnostics([...errors, ...ours.flatMap(file => ts.getPreEmitDiagnostics(program, file))], host)
}

test('types: NodeNext, Bundler, and the older resolution', async t => {
  const folder = await consumer(t)
  const typed = `import * as t from 'io-ts'
import { type Raft, createRaft, fileStorage, memoryCluster, orThrow, reducerMachine, tcpTransport, whileLeader } from 'rxraft'
import { connect } from 'rxraft/client'
import { type ControlServer, controlServer } from 'rxraft/control'
import { flightRecorder } from 'rxraft/recorder'
import { step } from 'rxraft/lib'
import { pipeline } from 'rxraft/streams'
import { machineSuite, storageSuite, transportSuite } from 'rxraft/testing'
${counter}
export const raft = async (): Promise<Raft<{ add: number }, number, number>> => orThrow(await createRaft({
  cluster: 'c', id: 'n1', members: { n1: '127.0.0.1:1' }, machine: counter, transport: tcpTransport(), storage: fileStorage('data'), recorder: flightRecorder('flight') }))
export const control = async (): Promise<ControlServer> => orThrow(await controlServer(await raft(), { cluster: 'c', machine: counter, listen: '127.0.0.1:8600' }))
const [none, no, nobody] = [undefined as number | undefined, undefined as true | undefined, undefined as readonly string[] | undefined]
export const optional = async () => [
  await controlServer(await raft(), { cluster: 'c', machine: counter, listen: 'h:1', withoutAuthentication: no, names: nobody, tls: no, limits: { maxWatchers: none } }),
  await createRaft({ cluster: 'c', id: 'n1', members: {}, machine: counter, transport: tcpTransport({ plaintext: no }), storage: fileStorage('data'), join: undefined, limits: { maxCommandValues: none } }),
  await connect({ cluster: 'c', members: {}, protocol: counter, timeoutMs: none, limits: { maxCommandValues: none } }),
  await memoryCluster({ machine: counter, members: ['n1'], heartbeatMs: none, limits: { maxCommandValues: none } }),
]
export const used = [connect, step, pipeline, whileLeader, machineSuite, storageSuite, transportSuite, main]
`
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'main.ts'), typed)
  const strict = ['--noEmit', '--skipDefaultLibCheck', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--types', 'node']
  for (const resolution of [['--module', 'nodenext'], ['--module', 'esnext', '--moduleResolution', 'bundler'], ['--module', 'esnext', '--moduleResolution', 'node10']]) {
    t.is(faultsIn(folder, [...strict, ...resolution, 'main.ts']), '', resolution.join(' '))
  }
})

test('types: from CommonJS, as the README has it', async t => {
  const folder = await consumer(t)
  const [, said = ''] = /`npx tsc --init (--module [^`]*)`: `node16`/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  writeFileSync(join(folder, 'main.ts'), `import * as t from 'io-ts'\nimport { memoryCluster, orThrow, reducerMachine } from 'rxraft'\n${counter}\nvoid main()\n`)
  const args = ['--noEmit', '--skipLibCheck', '--strict', '--target', 'esnext', '--isolatedModules', '--moduleDetection', 'force', ...said.split(' ')]
  t.is(faultsIn(folder, [...args, 'main.ts']), '')
  t.regex(faultsIn(folder, [...args.slice(0, -1), 'true', 'main.ts']), /TS1295/, 'what it says is needed')
})

const recorded = `
import * as t from 'io-ts'
import { memoryCluster, orThrow, reducerMachine } from 'rxraft'
import { flightRecorder } from 'rxraft/recorder'
${counter.replace("members: ['n1', 'n2', 'n3'] }", "members: ['n1', 'n2', 'n3'], recorder: id => flightRecorder('flight/' + id) }")}
await main()
`

test('npx rxraft, as npm installs it', async t => {
  const folder = scratch(t)
  // Without one npm may take a folder further up for the project.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const installed = await run(t, 'npm', ['install', '--offline', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: folder })
  t.is(installed.code, 0, installed.err)
  for (const peer of PEERS) symlinkSync(join(root, 'node_modules', peer), join(folder, 'node_modules', peer))
  writeFileSync(join(folder, 'main.mjs'), recorded)
  t.regex((await run(t, node, ['main.mjs'], { cwd: folder })).out, /^answer 42$/m)
  const replayed = await run(t, 'npx', ['--no-install', 'rxraft', 'replay', 'flight/n2'], { cwd: folder })
  t.is(replayed.code, 0, replayed.err)
  t.regex(replayed.out, /^\d+ turns of 1 segment: all came out as recorded$/m)
  t.is((await run(t, 'npx', ['--no-install', 'rxraft', 'replay', 'nowhere'], { cwd: folder })).code, 2)
})

test('every entry of the exports map is there, and the library depends on its peers alone', t => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>; dependencies?: Record<string, string>; peerDependencies: Record<string, string>
  }
  for (const target of Object.values(manifest.exports).flatMap(entry => typeof entry === 'string' ? [entry] : [entry.types, entry.default])) {
    t.true(existsSync(join(root, target)), target)
  }
  t.deepEqual(Object.keys(manifest.dependencies ?? {}), [])
  t.deepEqual(Object.keys(manifest.peerDependencies).sort(), ['fp-ts', 'io-ts', 'rxjs'])
})
