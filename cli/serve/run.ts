/** One member from its start to its end. */
import { firstValueFrom } from 'rxjs'
import { DEFAULT_LIMITS } from '../../codecs/options.js'
import { InvalidOptions } from '../../lib/errors.js'
import { NO_MEMBERSHIP } from '../../lib/membership.js'
import { isLeft } from '../../lib/prelude.js'
import type { Membership } from '../../lib/types.js'
import { createRaft } from '../../streams/create-raft.js'
import type { Machine } from '../../streams/machine/machine.js'
import { ApplyFailed } from '../../streams/machine/run-machine.js'
import type { Raft } from '../../streams/member/member.js'
import { flightRecorder } from '../../streams/recorder/index.js'
import { fileStorage } from '../../streams/storage/file.js'
import { systemClock } from '../../streams/time/clock.js'
import { tcpTransport } from '../../streams/transport/tcp/tcp.js'
import { type ControlServer, controlServer } from '../control/index.js'
import { Mistake, Trouble } from '../mistake.js'
import type { Announcer } from './announcer.js'
import { asTyped } from '../as-typed.js'
import type { Screen } from '../screen.js'
import type { ServeOptions } from './options.js'
import { showSnapshots } from './progress.js'
import type { Signals } from './signals.js'

const started = async <C, R, S>(options: ServeOptions, machine: Machine<C, R, S>): Promise<Raft<C, R, S>> => {
  const { cluster, id, members, join, folder, transport, recorder, timing, limits } = options
  const raft = await createRaft({
    cluster, id, members, machine, ...timing, limits, transport: tcpTransport(transport), storage: fileStorage(folder), ...(join !== undefined && { join }),
    ...(recorder !== undefined && { recorder: flightRecorder(recorder) }),
  })
  if (!isLeft(raft)) return raft.right
  if (raft.left instanceof InvalidOptions) throw new Mistake(raft.left.report.map(asTyped).join('; '))
  throw new Trouble(raft.left.message)
}

/** Opens the control server, where one is wanted; without it the member does not go on. */
const controlled = async <C, R, S>({ cluster, control: wanted, transport, limits }: ServeOptions, machine: Machine<C, R, S>, raft: Raft<C, R, S>): Promise<ControlServer | undefined> => {
  if (wanted === undefined) return undefined
  const { maxCommandBytes, maxCommandValues } = { ...DEFAULT_LIMITS, ...limits }
  const control = await controlServer(raft, { cluster, machine, ...wanted, tls: transport.tls !== undefined, limits: { maxCommandBytes, maxCommandValues } })
  if (!isLeft(control)) return control.right
  await raft.stop()
  throw new Trouble(`--control: ${control.left.message}`)
}

/** Where it is written what comes next, after a failure that another start alone does not heal. */
const whatToDo = (error: Error): string =>
  error instanceof ApplyFailed ? '; docs/operations.md says what to do, in "A command that cannot be applied"' : ''

/** Runs until the first signal, or until the member fails; the exit code. */
export const serve = async <C, R, S>(options: ServeOptions, machine: Machine<C, R, S>, announcer: Announcer, signals: Signals, screen: Screen): Promise<number> => {
  const { cluster, id, members, join, folder, transport: { listen } } = options
  const raft = await started(options, machine)
  let membership: Membership = NO_MEMBERSHIP
  raft.membership$.subscribe(now => { membership = now })
  // Before anything else is waited for: what is noted of the start is told once.
  raft.diagnostics$.subscribe(announcer.notice)
  const hideSnapshots = showSnapshots(raft.snapshots$, screen, systemClock)
  const control = await controlled(options, machine, raft)
  const address = membership.addresses[id] ?? join ?? members[id] ?? null
  announcer.say(
    { type: 'ready', cluster, id, address, listen: listen ?? address, control: control?.address ?? null, folder },
    `${id} of cluster ${cluster} is up at ${address}${listen === undefined || listen === address ? '' : `, listens on ${listen}`}${control === undefined ? '' : `, with control at http://${control.address}`}, and keeps its log in ${folder}`,
  )
  raft.status$.subscribe(status => announcer.status(status, membership))
  raft.membership$.subscribe(now => announcer.membership(id, now))
  signals.onFirst(signal => {
    announcer.say({ type: 'stopping', id, signal }, `${id} stops because of ${signal}; a second signal ends it at once`)
    control?.leave()
    void raft.stop()
  })
  const end = await firstValueFrom(raft.ended$)
  hideSnapshots()
  await control?.close()
  if (end._tag === 'Stopped') announcer.say({ type: 'stopped', id }, `${id} has stopped`)
  else announcer.say({ type: 'failed', id, error: end.error.message }, `${id} has failed: ${end.error.message}${whatToDo(end.error)}`)
  return end._tag === 'Stopped' ? 0 : 1
}
