import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { from, lastValueFrom } from 'rxjs'
import { fileStorage, memoryCluster, memoryNetwork, memoryTransport, createRaft, orThrow } from '../../../streams/index.js'
import { flightRecorder, readRecording, recordingFiles, replay } from '../../../streams/recorder/index.js'
import { scratch } from '../../run.js'
import { counter } from '../member/world.js'

test('x', async t => {
  const root = scratch(t)
  const cluster = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'], recorder: id => flightRecorder(join(root, id)) }))
  await lastValueFrom(from(Array.from({length: 2000}, () => ({ add: 1 }))).pipe(cluster.n2.replicate()))
  await Promise.all(Object.values(cluster).map(r => r.stop()))
  for (const id of ['n1', 'n2', 'n3']) {
    for (const file of orThrow(await recordingFiles(join(root, id)))) {
      const segment = orThrow(await readRecording(file))
      let n = 0
      for (const found of replay(segment)) { if (found.type !== 'stepped') t.fail(JSON.stringify(found)); else n++ }
      t.log(file, segment.header, n, segment.end, segment.lastTurn)
    }
  }
})
