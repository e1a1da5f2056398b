/** `/metrics`, read as strictly as the text exposition format 0.0.4 asks for, and held against docs/control.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Subject } from 'rxjs'
import { controlServer } from '../../cli/control/index.js'
import { METRICS, type Sight, exposition } from '../../cli/control/metrics.js'
import { countAt } from '../../cli/control/tally.js'
import { keyValueMachine } from '../../cli/machine/key-value.js'
import { diagnostic } from '../../streams/outputs/diagnostics.js'
import { memoryCluster, orThrow } from '../../streams/index.js'
import { root } from '../run.js'

interface Parsed {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

const HELP = /^# HELP ([a-zA-Z_:][\w:]*) ((?:[^\\\n]|\\\\|\\n)+)$/
const TYPE = /^# TYPE ([a-zA-Z_:][\w:]*) (gauge|counter)$/
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*)\})? ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, character: string) => character === 'n' ? '\n' : character)
const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'))

/** Every line has its place: HELP, TYPE, then the samples of that metric, each with other labels; no metric twice; a newline at the end. */
const parse = (text: string): readonly Parsed[] => {
  if (!text.endsWith('\n')) throw new Error('no newline at the end')
  const metrics: Parsed[] = []
  const lines = text.slice(0, -1).split('\n')
  for (let at = 0; at < lines.length;) {
    const [, name, help = ''] = HELP.exec(lines[at] ?? '') ?? []
    const [, typed, type = ''] = TYPE.exec(lines[at + 1] ?? '') ?? []
    if (name === undefined || name !== typed) throw new Error(`no HELP and TYPE: ${lines[at]}`)
    if (metrics.some(metric => metric.name === name)) throw new Error(`twice: ${name}`)
    const samples: Parsed['samples'][number][] = []
    for (at += 2; at < lines.length && !lines[at]?.startsWith('#'); at++) {
      const [, sampled, pairs = '', value = ''] = SAMPLE.exec(lines[at] ?? '') ?? []
      if (sampled !== name) throw new Error(`no sample of ${name}: ${lines[at]}`)
      samples.push({ labels: Object.fromEntries([...pairs.matchAll(LABEL)].map(([, label = '', text = '']) => [label, unescaped(text)])), value: numberOf(value) })
    }
    if (samples.length === 0 || new Set(samples.map(({ labels }) => JSON.stringify(labels))).size !== samples.length) throw new Error(`no samples, or the same twice: ${name}`)
    metrics.push({ name, type, help, samples })
  }
  return metrics
}

test('a leader and a follower, scraped', async t => {
  const rafts = orThrow(await memoryCluster({ machine: keyValueMachine, members: ['n1', 'n2', 'n3'] }))
  t.teardown(() => Promise.all(Object.values(rafts).map(raft => raft.stop())))
  const servers = await Promise.all([rafts.n1, rafts.n2].map(async raft => orThrow(await controlServer(raft, { cluster: 'say "or\\ders"\n', machine: keyValueMachine, listen: '127.0.0.1:0' }))))
  orThrow(await rafts.n1.propose({ put: 'a', value: 1 }))
  orThrow(await rafts.n2.propose({ put: 'a', value: 2 }))
  orThrow(await rafts.n1.snapshot())
  const scrape = () => Promise.all(servers.map(async ({ address }) => {
    const response = await fetch(`http://${address}/metrics`)
    t.is(response.status, 200)
    t.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    const metrics = parse(await response.text())
    for (const { name, type, help, samples } of metrics) {
      const known = METRICS.find(metric => metric.name === name)
      t.like({ type, help }, { type: known?.type, help: known?.help }, name)
      for (const { labels } of samples) t.deepEqual(Object.keys(labels), known?.labels ?? [], name)
    }
    const valueOf = (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
      metrics.find(metric => metric.name === name)?.samples.find(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value
    return { metrics, valueOf }
  }))
  let [leader, follower] = await scrape()
  // Where the machine is busy another may lead meanwhile.
  while (leader?.valueOf('rxraft_role', { role: 'leader' }) !== 1 || follower?.valueOf('rxraft_in_touch') !== 1 || leader.valueOf('rxraft_peer_mode', { peer: 'n2', mode: 'replicate' }) !== 1) {
    await rafts.n1.transferLeadership('n1')
    const again = await scrape()
    leader = again[0]
    follower = again[1]
  }
  t.deepEqual(leader.metrics.find(({ name }) => name === 'rxraft_info')?.samples, [{ labels: { cluster: 'say "or\\ders"\n', id: 'n1' }, value: 1 }])
  t.deepEqual([leader.valueOf('rxraft_role', { role: 'leader' }), follower.valueOf('rxraft_role', { role: 'leader' }), follower.valueOf('rxraft_role', { role: 'follower' })], [1, 0, 1])
  for (const one of [leader, follower]) {
    t.is(one.valueOf('rxraft_has_leader'), 1)
    t.true([0, 1].includes(Number(one.valueOf('rxraft_ready'))))
    t.is(one.valueOf('rxraft_members', { kind: 'voter' }), 3)
    t.true(Number(one.valueOf('rxraft_applied_index')) >= 3)
    t.true(Number(one.valueOf('rxraft_elections_total')) >= 1)
    t.is(one.valueOf('rxraft_bound_limit_bytes', { bound: 'maxUncommittedBytes' }), 64 * 1024 * 1024)
    t.is(one.valueOf('rxraft_bound_limit', { bound: 'maxPendingProposals' }), 100_000)
  }
  t.true(Number(leader.valueOf('rxraft_snapshot_index')) >= 3)
  t.is(follower.valueOf('rxraft_snapshot_index'), undefined)
  t.is(leader.valueOf('rxraft_peer_mode', { peer: 'n2', mode: 'replicate' }), 1)
  t.true(Number(leader.valueOf('rxraft_peer_behind_entries', { peer: 'n2' })) <= 3)
  t.is(leader.valueOf('rxraft_leader_silent_seconds'), undefined)
  t.true(Number(leader.valueOf('rxraft_quorum_silent_seconds')) < 1)
  t.true(Number(follower.valueOf('rxraft_leader_silent_seconds')) < 1)
  t.is(follower.valueOf('rxraft_peer_mode'), undefined)
})

test('names follow the conventions: a prefix, base units, and _total for what only grows', t => {
  for (const { name, type } of METRICS) {
    t.regex(name, /^rxraft_[a-z]+(_[a-z]+)*$/)
    t.is(name.endsWith('_total'), type === 'counter', name)
    t.notRegex(name, /_(ms|millis|milliseconds|kib|mib|kilobytes)(_|$)/)
  }
  t.is(new Set(METRICS.map(({ name }) => name)).size, METRICS.length)
})

test('a member that has ended meanwhile tells what is known without its health, and infinity has its own word', t => {
  const status: Sight['status'] = {
    cluster: 'c', id: 'n1', role: 'follower', term: 7, leader: null, ready: false, commitIndex: 1, appliedIndex: 1, lastIndex: Number.POSITIVE_INFINITY, snapshot: null, capturing: null, members: {}, machineVersion: 0, lowestMachineVersion: 0, tls: false,
  }
  const metrics = parse(exposition({ status, membership: { voters: [], learners: [], outgoing: [] }, tally: { elections: 0, leaderChanges: 0, diagnostics: { info: 0, warning: 0, error: 0 } }, health: undefined }))
  t.is(metrics.find(({ name }) => name === 'rxraft_last_index')?.samples[0]?.value, Number.POSITIVE_INFINITY)
  t.false(metrics.some(({ name }) => name === 'rxraft_in_touch'))
})

test('terms, leaders and diagnostics are counted from the first look on', t => {
  const [status, diagnostics] = [new Subject<never>(), new Subject<never>()]
  const counting = countAt({ status$: status, diagnostics$: diagnostics })
  const say = (term: number, leader?: string): void => status.next({ term, leader } as never)
  say(4, 'n1')
  say(5)
  say(5, 'n2')
  say(5)
  say(5, 'n2')
  say(8, 'n2')
  diagnostics.next(diagnostic({ type: 'slowDisk', stuckMs: 1 }) as never)
  t.deepEqual(counting.now(), { elections: 4, leaderChanges: 2, diagnostics: { info: 0, warning: 1, error: 0 } })
  counting.close()
  t.false(status.observed || diagnostics.observed)
})

test('docs/control.md has every metric with its type, its labels and its sentence, and no other', t => {
  const rows = readFileSync(join(root, 'docs/control.md'), 'utf8').matchAll(/^\| `(rxraft_\w+)` \| (\w+) \| ([^|]*?) ?\| ([^|]+) \|$/gm)
  const told = Array.from(rows, ([, name, type, labels = '', help]) => ({ name, type, labels: labels.replaceAll('`', '').split(', ').filter(label => label !== ''), help }))
  t.deepEqual(told, METRICS.map(({ name, type, labels, help }) => ({ name, type, labels: [...labels], help })))
})
