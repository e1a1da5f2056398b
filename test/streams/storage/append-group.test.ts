import test from 'ava'
import { recycled } from '../../../codecs/recycled.js'
import { encodeGroup } from '../../../streams/storage/log/append-group.js'
import { FIRST_RECORD, recordBytes } from '../../../streams/storage/log/segment.js'

test('what stood in the memory of a group before reaches no disk, between its records neither', t => {
  const pieces = [5, 700, 20_000, 1].map((length, n) => new Uint8Array(length).fill(n + 1))
  let tail = FIRST_RECORD
  const records = pieces.map((piece, n) => {
    const header = { type: 'append', offset: tail, syncedTo: FIRST_RECORD, firstIndex: n + 1, commitIndex: 0, payloadBytes: piece.length } as const
    tail += recordBytes(piece.length)
    return { header, lastIndex: n + 1, pieces: [piece] }
  })
  const group = { taken: 4, records, tail, commitIndex: 0, end: { index: 4, term: 1 } as never, next: undefined }
  const used = recycled(1)
  used.replace(new Uint8Array(64 * 1024).fill(0xff))
  const [fresh, again] = [recycled(1), used].map(room => Buffer.concat(encodeGroup(group, FIRST_RECORD, 7, room)))
  t.is(fresh!.length, tail - FIRST_RECORD)
  t.true(fresh!.equals(again!))
})
