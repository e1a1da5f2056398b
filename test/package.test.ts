/** The package as it ships: packed, unpacked beside its peers, and used from ES modules, CommonJS and TypeScript. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { root, run, scratch } from './run.js'

const node = process.execPath
const PEERS = ['rxjs', 'io-ts', 'fp-ts', 'tslib']
const ENTRIES = ['rxraft', 'rxraft/lib', 'rxraft/codecs', 'rxraft/streams', 'rxraft/client', 'rxraft/testing']

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

/** A project of somebody's, with the tarball and its peers installed. */
const consumer = async (t: ExecutionContext): Promise<string> => {
  const folder = scratch(t)
  const packed = await run(t, 'npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root })
  t.is(packed.code, 0, packed.err)
  const [{ filename, files }] = JSON.parse(packed.out) as [{ filename: string; files: { path: string }[] }]
  t.false(files.some(({ path }) => /^(test|benchmarks|cli|examples)\//.test(path) || /dist\/(test|benchmarks|cli|examples)\//.test(path)), 'nothing but the library ships')
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  t.is((await run(t, 'tar', ['-xzf', join(folder, filename), '-C', modules])).code, 0)
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

test('types: NodeNext, Bundler, and the older resolution', async t => {
  const folder = await consumer(t)
  const typed = `import * as t from 'io-ts'
import { type Raft, createRaft, fileStorage, memoryCluster, orThrow, reducerMachine, tcpTransport, whileLeader } from 'rxraft'
import { connect } from 'rxraft/client'
import { step } from 'rxraft/lib'
import { pipeline } from 'rxraft/streams'
import { machineSuite, storageSuite, transportSuite } from 'rxraft/testing'
${counter}
export const raft = async (): Promise<Raft<{ add: number }, number, number>> => orThrow(await createRaft({
  cluster: 'c', id: 'n1', members: { n1: '127.0.0.1:1' }, machine: counter, transport: tcpTransport(), storage: fileStorage('data') }))
export const used = [connect, step, pipeline, whileLeader, machineSuite, storageSuite, transportSuite, main]
`
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'main.ts'), typed)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--types', 'node']
  for (const resolution of [['--module', 'nodenext'], ['--module', 'esnext', '--moduleResolution', 'bundler'], ['--module', 'esnext', '--moduleResolution', 'node10']]) {
    const { code, out } = await run(t, node, [compiler, ...strict, ...resolution, 'main.ts'], { cwd: folder })
    t.is(code, 0, `${resolution.join(' ')}\n${out}`)
  }
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
