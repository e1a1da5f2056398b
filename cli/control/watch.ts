/** `/watch`: what is committed from a position on, and who leads, as one JSON object per line. */
import { Subscription, distinctUntilChanged } from 'rxjs'
import { plainJson } from '../../codecs/plain-json.js'
import { messageOf } from '../../codecs/report.js'
import type { Index } from '../../lib/types.js'
import type { Machine } from '../../streams/machine/machine.js'
import type { Raft } from '../../streams/member/member.js'
import type { LogEvent } from '../../streams/outputs/commits-from.js'
import type { ControlLimits } from './limits.js'
import type { Outgoing } from './outgoing.js'
import type { Room } from './room.js'

/** What is written in one go. */
const PIECE_CHARACTERS = 64 * 1024
/** A command was within `maxCommandBytes` when it was proposed; as JSON anew it is not much larger. */
const MAX_COMMAND_JSON_BYTES = 64 * 1024 * 1024

const line = (value: Readonly<Record<string, unknown>>): string => `${plainJson(value, MAX_COMMAND_JSON_BYTES)}\n`

/** Where what is told of the log goes: as there is room for it. */
interface Ear {
  readonly out: Outgoing
  readonly room: Room
  readonly signal: AbortSignal
}

const tell = async ({ out, room, signal }: Ear, piece: string): Promise<void> => {
  const release = room.hold(Buffer.byteLength(piece), signal)
  await out.write(piece)
  release()
}

const tellEvent = async <C, S>({ command: codec }: Pick<Machine<C, unknown, S>, 'command'>, ear: Ear, event: LogEvent<C, S>): Promise<void> => {
  if (event._tag === 'Restored') return tell(ear, line({ type: 'restored', ...event.at }))
  let piece = ''
  for (const { index, term, time, command } of event.entries) {
    // Others who waited, too, may have been first.
    while (piece === '' && ear.room.isFull) await ear.room.left(ear.signal)
    piece += line({ type: 'commit', index, term, time, command: codec.encode(command) })
    if (piece.length < PIECE_CHARACTERS) continue
    await tell(ear, piece)
    piece = ''
  }
  if (piece !== '') await tell(ear, piece)
}

export interface Watching<C, R, S> {
  readonly raft: Pick<Raft<C, R, S>, 'status$' | 'commitsFrom'>
  readonly machine: Pick<Machine<C, R, S>, 'command'>
  readonly limits: Pick<ControlLimits, 'watchAliveMs'>
  readonly room: Room
  readonly appliedIndex: () => Index
}

/**
 * Writes until the watcher goes or the member ends. The log is pulled: a slow watcher is told later, and holds nobody up but itself. Of
 * leaderships only the latest waits for room.
 */
export const watch = <C, R, S>({ raft, machine, limits, room, appliedIndex }: Watching<C, R, S>, from: Index, out: Outgoing, signal: AbortSignal): void => {
  out.begin(200, { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  void out.write(line({ type: 'watching', from }))
  let untold: string | undefined
  const tellLeader = (): void => {
    if (untold === undefined || out.isFull) return
    void out.write(untold)
    untold = undefined
  }
  const alive = setInterval(() => {
    if (!out.isFull) void out.write(line({ type: 'alive', appliedIndex: appliedIndex() }))
  }, limits.watchAliveMs)
  out.onRoom(tellLeader)
  const all = new Subscription(() => clearInterval(alive))
  const finish = (last: Readonly<Record<string, unknown>>): void => {
    all.unsubscribe()
    void out.end(line(last))
  }
  signal.addEventListener('abort', () => all.unsubscribe(), { once: true })
  all.add(raft.status$.pipe(distinctUntilChanged((a, b) => a.term === b.term && a.leader === b.leader)).subscribe(({ term, leader = null }) => {
    untold = line({ type: 'leadership', term, leader })
    tellLeader()
  }))
  all.add(raft.commitsFrom(from, event => tellEvent(machine, { out, room, signal }, event)).subscribe({
    error: thrown => finish({ type: 'failed', message: messageOf(thrown) }),
    complete: () => finish({ type: 'ended' }),
  }))
}
