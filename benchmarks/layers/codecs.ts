/** What crosses a boundary: commands as values and as bytes, bodies, messages and their frames. */
import { forEachEntry, packEntries } from '../../codecs/entries.js'
import { frameReader } from '../../codecs/frame-reader.js'
import { encodeFrame } from '../../codecs/frames.js'
import { decodeMessage } from '../../codecs/messages.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import { VALUE_BYTES, keyOf, kv } from '../cluster/kv.js'
import { BATCH, BODY, COMMANDS, type Layer, batchAt } from './layer.js'

const valueOf = <A>(outcome: Either<unknown, A>): A => {
  if (isLeft(outcome)) throw new Error(String(outcome.left))
  return outcome.right
}

/** JSON through an io-ts codec, as applications have it. */
export const commandsLayer: Layer = {
  name: 'codecs: commands',
  does: 'a command of 128 bytes of text through io-ts and JSON, and back',
  open: () => {
    const command = { key: keyOf(1), value: 'v'.repeat(VALUE_BYTES) }
    return {
      turn: () => {
        for (let n = 0; n < BATCH; n++) {
          const { key } = valueOf(decodeValue(kv.command, valueOf(encodeValue(kv.command, command))))
          if (key !== command.key) throw new Error('a command came back as another')
        }
      },
      close: () => {},
    }
  },
}

/** An AppendEntries as it travels: packed, framed, read out of the stream, checked and taken apart. */
export const framesLayer: Layer = {
  name: 'codecs: frames',
  does: 'packed, encoded as an AppendEntries, framed, read, decoded, checked, taken apart',
  open: () => {
    const reader = frameReader({ maxFrameBytes: 16 * 2 ** 20 })
    const envelope = { type: 'appendEntries', from: 'n1', to: 'n2', term: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, asks: false, round: 1 } as const
    return {
      turn: () => {
        const frame = encodeFrame({ ...envelope, batches: [{ ...batchAt(1), body: packEntries(COMMANDS) }] })
        let entries = 0
        for (const { payload } of frame.flatMap(bytes => valueOf(reader.push(bytes)))) {
          const message = valueOf(decodeMessage(payload))
          if (message.type !== 'appendEntries') continue
          for (const batch of message.batches) if (batch.kind === 'command') forEachEntry(batch.body, 0, batch.count, () => entries++)
        }
        if (entries !== BODY.count) throw new Error('entries were lost on the way')
      },
      close: () => {},
    }
  },
}
