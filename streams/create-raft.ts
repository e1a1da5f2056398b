import { Subject } from 'rxjs'
import { machineFaults } from '../codecs/judging.js'
import { type Limits, decodeOptions } from '../codecs/options.js'
import { messageOf } from '../codecs/report.js'
import { InvalidOptions, type StartError } from '../lib/errors.js'
import { type Either, type SomeOf, isLeft, left, right } from '../lib/prelude.js'
import { randomFrom } from '../lib/random.js'
import type { Compression, MemberId, Millis } from '../lib/types.js'
import { systemClock } from './time/clock.js'
import type { Notice } from './outputs/diagnostics.js'
import type { Machine } from './machine/machine.js'
import { compressionFault } from './snapshots/compression.js'
import { type Begun, beginMachine, startMachine } from './snapshots/begin.js'
import type { Host, Member, Raft } from './member/member.js'
import { type Opening, openPorts, startNotices } from './member/open.js'
import type { Eventual } from './proposer/proposer.js'
import { runMember } from './member/run-member.js'
import type { Recorder } from './recorder/port.js'
import type { Storage } from './storage/port.js'
import type { Transport } from './transport/port.js'

/** What a member needs to be one. */
export interface RaftOptions<C, R, S> {
  /** The cluster's name, equal on all members. */
  readonly cluster: string
  readonly id: MemberId
  /** The first configuration with the address of each member, equal on all of them; once it is stored, what is stored counts. */
  readonly members: Readonly<Record<MemberId, string>>
  /**
   * This member's own `host:port`, if it has yet to be added: `members` does not name it, or it was removed and returns with an empty folder.
   * It then waits for whoever leads the cluster of `members`; until the log names it, its vote does not count, and it neither stands for election
   * nor takes snapshots.
   */
  readonly join?: string | undefined
  readonly machine: Machine<C, R, S>
  readonly transport: Transport
  readonly storage: Storage
  /** Where the latest inputs are kept, to be replayed when something went wrong: `flightRecorder` of `rxraft/recorder`. Nowhere unless told otherwise. */
  readonly recorder?: Recorder | undefined
  /** Without word from a leader for this long, and up to half as long again at random, a member stands for election; 1 000 unless told otherwise. */
  readonly electionTimeoutMs?: Millis | undefined
  /** How often a leader shows life, at most half of the election timeout; 100 unless told otherwise. */
  readonly heartbeatMs?: Millis | undefined
  /**
   * For how long whoever hears the leader promises to help elect nobody else: a leader with this option that a quorum has promised so answers reads at once, on its clock's
   * word, without asking others. From twice `heartbeatMs` to `electionTimeoutMs`, the same on all members; 0, no such promise, unless told otherwise. Reads are linearizable
   * only as long as no member's clock runs a quarter faster than another's or stands still while others run, as on a suspended machine (dissertation §6.4.1).
   */
  readonly readLeaseMs?: Millis | undefined
  /** What is done to the contents of snapshots that this member takes; `zstd` where Node has it. `none` unless told otherwise. */
  readonly snapshotCompression?: Compression | undefined
  readonly limits?: SomeOf<Limits> | undefined
}

/** Starts a member. Resolves when it has recovered what is stored and listens, not when there is a leader. Never rejects. */
export const createRaft = <C, R, S>(options: RaftOptions<C, R, S>): Eventual<StartError, Raft<C, R, S>> =>
  new Promise(resolve => {
    const [seed = 0] = crypto.getRandomValues(new Uint32Array(1))
    startRaft(options, { clock: systemClock, seed }, resolve)
  })

/** The same without a promise, and in a world of the caller's choice. Never throws. */
export const startRaft = <C, R, S>(
  options: RaftOptions<C, R, S>, host: Host, done: (outcome: Either<StartError, Raft<C, R, S>>) => void,
): void => {
  const prepared = prepare(options)
  if (isLeft(prepared)) return done(prepared)
  const { options: checked, protocol, machineVersion, storage, transport, recorder, machine, begun: first } = prepared.right
  const notices = new Subject<Notice>()
  const notice = (notice: Notice): void => notices.next(notice)
  const { clock } = host
  const begin: Opening<C, R, S>['begin'] = (store, begun) =>
    beginMachine(first, machine, { id: checked.id, store, clock, stallMs: checked.limits.snapshotStallMs }, begun)
  openPorts({ options: checked, machineVersion, storage, transport, recorder, clock, random: randomFrom(host.seed), notice, begin }, opened => {
    if (isLeft(opened)) return done(opened)
    const { ports, begun } = opened.right
    done(right(runMember({ options: checked, protocol, machineVersion, ports, begun, host, notices$: notices })))
    // Whoever was waiting for the member has subscribed by the end of the turn.
    clock.endOfTurn(() => [...startNotices(checked, ports), ...begun.notices].forEach(notice))
  })
}

type Prepared<C, R, S> = Pick<Member<C, R, S>, 'options' | 'protocol' | 'machineVersion'> & Pick<RaftOptions<C, R, S>, 'storage' | 'transport' | 'machine'> & {
  readonly recorder: Recorder | undefined
  readonly begun: Begun<C, R, S>
}

/** Reads the options once and starts the machine: whatever they do, the outcome is a value. */
const prepare = <C, R, S>(options: RaftOptions<C, R, S>): Either<InvalidOptions, Prepared<C, R, S>> => {
  const checked = decodeOptions(options)
  if (isLeft(checked)) return checked
  try {
    const { machine, transport, storage, recorder } = options
    const { id, members: given, join, snapshotCompression } = checked.right
    const missing = compressionFault(snapshotCompression)
    const faults = [...machineFaults('machine', machine), ...missing === undefined ? [] : [`snapshotCompression: ${missing}`], ...transport.faults?.({ id, given, join }) ?? []]
    if (faults.length > 0) return left(new InvalidOptions(faults))
    const { command, result, version: machineVersion = 0 } = machine
    const begun = startMachine(machine)
    return isLeft(begun) ? begun : right({ options: checked.right, protocol: { command, result }, machineVersion, machine, begun: begun.right, transport, storage, recorder })
  } catch (thrown) {
    return left(new InvalidOptions([`reading the options failed: ${messageOf(thrown)}`]))
  }
}
