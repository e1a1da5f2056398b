/** Real members, recorded: what a replay makes of their files is what they did. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { firstValueFrom, from, last, lastValueFrom, mergeMap, toArray } from 'rxjs'
import { type Digest, digestOf } from '../../../codecs/recording/index.js'
import { InvalidOptions } from '../../../lib/errors.js'
import { left } from '../../../lib/prelude.js'
import { step } from '../../../lib/step.js'
import type { MemberId } from '../../../lib/types.js'
import { startRaft } from '../../../streams/create-raft.js'
import {
  type Raft, type Recorder, StepFailed, createRaft, fileStorage, memoryCluster, memoryNetwork, memoryStorage, memoryTransport, orThrow,
} from '../../../streams/index.js'
import { flightRecorder, readRecording, recordingFiles, replay } from '../../../streams/recorder/index.js'
import { systemClock } from '../../../streams/time/clock.js'
import { scratch } from '../../run.js'
import { type Add, counter, errorOf, optionsOf } from '../member/world.js'

const IDS = ['n1', 'n2', 'n3'] as const
const COMMANDS = 1500

/** A recorder that notes beside the file what the member was at each turn. */
const noting = (folder: string, live: Digest[]): Recorder => {
  const recorder = flightRecorder(folder)
  return {
    open: (member, notice) => {
      const opened = recorder.open(member, notice)
      if (opened._tag === 'Left') return opened
      const { record, close } = opened.right
      return { ...opened, right: { close, record: (state, batch) => {
        live.push(digestOf(state))
        record(state, batch)
      } } }
    },
  }
}

/** Every turn of every run in the folder, as a replay finds it before its step. */
const digestsIn = async (t: ExecutionContext, folder: string): Promise<readonly Digest[]> => {
  const digests: Digest[] = []
  for (const file of orThrow(await recordingFiles(folder))) {
    for (const found of replay(orThrow(await readRecording(file)))) {
      if (found.type === 'stepped') digests.push(digestOf(found.before))
      else t.fail(JSON.stringify(found))
    }
  }
  return digests
}

const add = (raft: Raft<Add, number, number>): Promise<unknown> =>
  lastValueFrom(from(Array.from({ length: COMMANDS }, (): Add => ({ add: 1 }))).pipe(raft.replicate({ window: 16 }), last()))

const same = async (t: ExecutionContext, root: string, live: Readonly<Record<MemberId, readonly Digest[]>>): Promise<void> => {
  for (const id of IDS) {
    const digests = await digestsIn(t, join(root, id))
    t.true(digests.length > 50)
    t.deepEqual(digests, live[id])
    t.true(digests.at(-1)!.lastIndex >= COMMANDS)
  }
}

test('a member that began from a snapshot is recorded from there', async t => {
  const folder = scratch(t)
  const storage = memoryStorage()
  const first = orThrow(await createRaft(optionsOf({ storage })))
  await add(first)
  const { index } = orThrow(await first.snapshot())
  await first.stop()
  const live: Digest[] = []
  const second = orThrow(await createRaft(optionsOf({ storage, recorder: noting(folder, live) })))
  await add(second)
  await second.stop()
  const digests = await digestsIn(t, folder)
  t.deepEqual(digests, live)
  t.is(digests[0]!.appliedIndex, index)
})

test('a cluster in memory: the state before every turn is the same again', async t => {
  const root = scratch(t)
  const live: Record<MemberId, Digest[]> = { n1: [], n2: [], n3: [] }
  const cluster = orThrow(await memoryCluster({ machine: counter, members: IDS, electionTimeoutMs: 800, heartbeatMs: 50, recorder: id => noting(join(root, id), live[id]!) }))
  await add(cluster.n2)
  await Promise.all(IDS.map(id => cluster[id].stop()))
  await same(t, root, live)
})

test('three durable members, two lives each: the state before every turn is the same again', async t => {
  const root = scratch(t)
  const live: Record<MemberId, Digest[]> = { n1: [], n2: [], n3: [] }
  const members = Object.fromEntries(IDS.map((id, i) => [id, `localhost:${i + 1}`]))
  for (let life = 0; life < 2; life++) {
    const network = memoryNetwork()
    const rafts = await Promise.all(IDS.map(async id => orThrow(await createRaft({
      ...optionsOf({ electionTimeoutMs: 800, heartbeatMs: 50, limits: { logCacheBytes: 20_000 } }), id, members, transport: memoryTransport(network), storage: fileStorage(join(root, 'data', id)),
      recorder: noting(join(root, id), live[id]!),
    }))))
    await add(rafts[0]!)
    await Promise.all(rafts.map(raft => raft.stop()))
  }
  await same(t, root, live)
})

test('a member whose step throws has told its file all of it, the failing turn included', async t => {
  const folder = join(scratch(t), 'flight')
  const FAILING = 20
  const end = await new Promise(resolve => {
    startRaft(optionsOf({ recorder: flightRecorder(folder) }), {
      clock: systemClock, seed: 1,
      fold: (previous, batch) => {
        if (previous.state.turn + 1 === FAILING) throw new Error('planted')
        return step(previous, batch)
      },
    }, outcome => orThrow(outcome).ended$.subscribe(resolve))
  })
  t.true((end as { error: unknown }).error instanceof StepFailed)
  const segment = orThrow(await readRecording(orThrow(await recordingFiles(folder))[0]!))
  t.is(segment.lastTurn, FAILING)
  t.is(segment.end?.how, 'failed')
  t.regex(segment.end!.reason, /planted/)
})

test('a folder that cannot be written is a diagnostic, and the member serves', async t => {
  const raft = orThrow(await createRaft(optionsOf({ recorder: flightRecorder('/dev/null/flight') })))
  const diagnostics = firstValueFrom(raft.diagnostics$.pipe(toArray()))
  t.is(orThrow(await raft.propose({ add: 2 })), 2)
  await raft.stop()
  const told = (await diagnostics).filter(({ type }) => type === 'recorderStopped')
  t.is(told.length, 1)
  t.is(told[0]!.severity, 'warning')
})

test('a data folder is no folder of a recorder: nothing is put into it, and the member serves', async t => {
  const folder = scratch(t)
  const raft = orThrow(await createRaft(optionsOf({ storage: fileStorage(folder), recorder: flightRecorder(folder) })))
  const told = firstValueFrom(raft.diagnostics$.pipe(mergeMap(diagnostic => diagnostic.type === 'recorderStopped' ? [diagnostic.reason] : [])))
  t.is(orThrow(await raft.propose({ add: 2 })), 2)
  t.regex(await told, /is no folder of a recorder, and it holds hard-state and \d+ more; give it a folder of its own/)
  await raft.stop()
  t.false(readdirSync(folder).some(name => name.startsWith('flight')))
})

test('two recorders in one folder, and one that finds other things beside its segments, record', async t => {
  const folder = scratch(t)
  for (const id of ['n1', 'n2']) {
    const raft = orThrow(await createRaft(optionsOf({ recorder: flightRecorder(folder), id, members: { [id]: 'localhost:1' } })))
    orThrow(await raft.propose({ add: 2 }))
    await raft.stop()
    writeFileSync(join(folder, 'notes'), 'of somebody who looked')
  }
  t.deepEqual(readdirSync(folder), ['flight-00000001.rxr', 'flight-00000002.rxr', 'notes'])
})

test('faulty options of a recorder are InvalidOptions, before anything is opened', async t => {
  const storage = { open: () => t.fail('the storage was opened') }
  t.true(errorOf(await createRaft(optionsOf({ storage, recorder: flightRecorder('', {}) }))) instanceof InvalidOptions)
  t.true(errorOf(await createRaft(optionsOf({ storage, recorder: { open: () => left(new InvalidOptions(['mine'])) } }))) instanceof InvalidOptions)
  t.true(errorOf(await createRaft(optionsOf({ storage, recorder: {} as Recorder }))) instanceof InvalidOptions)
  t.true(errorOf(await createRaft(optionsOf({ storage, recorder: { open: () => { throw new Error('broken') } } }))) instanceof InvalidOptions)
})
