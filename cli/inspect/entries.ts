/** The entries of a log, one line each. */
import * as t from 'io-ts'
import { forEachEntry, isOpening, numberingOf } from '../../codecs/entries.js'
import { plainJson } from '../../codecs/plain-json.js'
import { decodeValue } from '../../codecs/values.js'
import { lastIndexOf } from '../../lib/batch.js'
import { isLeft } from '../../lib/prelude.js'
import type { EntryBatch, Index } from '../../lib/types.js'
import { readSpans } from '../../streams/storage/log/log-reader.js'
import type { SurveyedLog } from '../../streams/storage/survey.js'
import { type HeldFolder, carriedOut } from '../folder/hold.js'

/** One entry of the log. */
export interface ShownEntry {
  readonly index: Index
  readonly term: number
  readonly time: number
  /** `session` for what opens one. */
  readonly kind: EntryBatch['kind'] | 'session'
  /** Whose the command is, by the index of what opened the session, and its number there: what comes again has the same. */
  readonly session?: Index
  readonly number?: number
  /** The command, as JSON has it; or the membership. */
  readonly value?: unknown
  /** Why the command cannot be read. */
  readonly fault?: string
}

/** What is read in one go. */
const READ_BYTES = 1024 * 1024
/** No command is larger than this as JSON, or it is not shown. */
const MAX_SHOWN_BYTES = 64 * 1024 * 1024

const commandIn = (codec: t.Type<unknown, unknown>, bytes: Uint8Array): Pick<ShownEntry, 'value' | 'fault'> => {
  const command = decodeValue(codec, bytes)
  return isLeft(command) ? { fault: command.left.join('; ') } : { value: JSON.parse(plainJson(codec.encode(command.right), MAX_SHOWN_BYTES)) as unknown }
}

const entriesOf = (batch: EntryBatch, codec: t.Type<unknown, unknown>): readonly ShownEntry[] => {
  const { kind, term, time, firstIndex } = batch
  if (batch.kind === 'noop') return [{ index: firstIndex, term, time, kind }]
  if (batch.kind === 'membership') return [{ index: firstIndex, term, time, kind, value: batch.membership }]
  if (isOpening(batch.body)) return [{ index: firstIndex, term, time, kind: 'session' }]
  const numbering = numberingOf(batch.body)
  const shown: ShownEntry[] = []
  forEachEntry(batch.body, batch.skip, batch.skip + batch.count, (bytes, position) => shown.push({
    index: firstIndex + shown.length, term, time, kind, ...(numbering && { session: numbering.session, number: numbering.first + position }), ...commandIn(codec, bytes),
  }))
  return shown
}

/** The entries from `from` to `to` that the log holds, read piece by piece. Without a codec commands are shown as the JSON they are, if they are. */
export async function* entriesIn({ disk, folder }: HeldFolder, log: SurveyedLog, from: Index, to: Index, codec: t.Type<unknown, unknown> = t.unknown): AsyncGenerator<ShownEntry> {
  for (let next = Math.max(from, log.base.index + 1); next <= Math.min(to, log.lastIndex);) {
    const batches = await carriedOut(folder, readSpans(disk, folder, log.index.spans(next, to), READ_BYTES))
    const last = batches.at(-1)
    if (last === undefined) return
    for (const batch of batches) yield* entriesOf(batch, codec)
    next = lastIndexOf(last) + 1
  }
}
