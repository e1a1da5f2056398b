/** Mistakes about what comes twice, and about the times by which that is forgotten. */
import type { Mutation } from './mutation.js'

const STREAMS = 'test/streams'

export const SESSION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a command that comes again is applied again', file: 'streams/machine/sessions.ts', killer: [`${STREAMS}/machine/sessions.test.ts`, 'a command that comes again*'],
    from: 'return repeated > 0 ? recall(', to: 'return repeated > count ? recall(',
  },
  {
    name: 'a session is closed by the time that passes without a leader', file: 'streams/machine/sessions.ts', killer: [`${STREAMS}/machine/sessions.test.ts`, 'neither a long time*'],
    unseen: 'no storm lasts for an hour',
    from: 'work.clock += Math.min(Math.max(0, time - work.time), LONGEST_STEP_MS)', to: 'work.clock = time',
  },
  {
    name: 'a session is closed by the clock of each member', file: 'streams/machine/sessions.ts', killer: ['test/simulation/sessions.test.ts', 'hours*'],
    unseen: 'no storm lasts for an hour',
    from: 'work.clock += Math.min(Math.max(0, time - work.time), LONGEST_STEP_MS)', to: 'work.clock = performance.now() * 1e6',
  },
  {
    name: 'snapshots have no sessions in them', file: 'streams/machine/with-sessions.ts', killer: ['test/simulation/sessions.test.ts', 'members that start again*seed 1'],
    from: 'snapshot: () => behind(encodeSessions(sessions.table, result), chunksOf(machine.snapshot())),', to: 'snapshot: () => chunksOf(machine.snapshot()),',
  },
  {
    name: 'a session that nobody knows is opened by its use', file: 'streams/machine/sessions.ts', killer: [`${STREAMS}/machine/sessions.test.ts`, 'a session that was never opened*'],
    unseen: 'who simulates does not wait until a session has expired',
    from: 'const session = use(work, id, name)\n', to: 'if (!work.sessions.has(id)) open(work, id, name)\n  const session = use(work, id, name)\n',
  },
  {
    name: 'what is sent again gets new numbers', file: 'streams/requests/inflight.ts', killer: [`${STREAMS}/requests/retries.test.ts`, 'whatever is refused*'],
    from: 'state.numbers.renewed(first.numbering)', to: 'state.numbers.take(first.proposals.length)',
  },
  {
    name: 'that a retry is refused passes for the fate of the first time', file: 'streams/requests/inflight.ts', killer: [`${STREAMS}/requests/retries.test.ts`, 'that it is refused*'],
    from: '  if (request.isRepeated) return isInvalid', to: '  if (request.isRepeated && isInvalid) return isInvalid',
  },
  {
    name: 'what was proposed again is followed twice', file: 'streams/outputs/commits-from.ts', killer: [`${STREAMS}/outputs/commits-from-sessions.test.ts`, 'what stands in the log*'],
    unseen: 'nobody in it follows the log',
    from: 'if (!sessions.isVoid(place)) {', to: 'if (place > 0) {',
  },
  {
    name: 'a start forgets how late the snapshot was that it begins from', file: 'lib/recover.ts', killer: ['test/lib/election.test.ts', 'what is appended behind a snapshot*'],
    unseen: 'what is stamped on entries decides nothing',
    from: 'time: Math.max(opened.time, snapshot?.time ?? 0)', to: 'time: opened.time',
  },
  {
    name: 'entries are refused for the time that is stamped on them', file: 'codecs/shapes.ts', killer: ['test/codecs/messages.test.ts', 'entries that are older*'],
    unseen: 'a start knows how late the snapshot was that it begins from',
    from: "return next.term < previous.term ? 'falls back to an earlier term' : undefined", to: "return next.term < previous.term ? 'falls back to an earlier term' : next.time < previous.time ? 'falls back to an earlier time' : undefined",
  },
  {
    name: 'a client counts in the session of a leader', file: 'streams/requests/intake.ts', killer: [`${STREAMS}/requests/intake.test.ts`, 'no client counts*'],
    unseen: 'no client in it means harm',
    from: 'numbering.name <= term()', to: 'numbering.name < 0',
  },
  {
    name: 'a request is forgotten before its answer is handed over', file: 'streams/requests/intake.ts', killer: [`${STREAMS}/requests/intake.test.ts`, '*could not be handed over*'],
    unseen: 'no answer fails on its way',
    from: '  if (request.origin.isOpen) request.origin.committed(request)\n  state.pending.delete(id)', to: '  state.pending.delete(id)\n  if (request.origin.isOpen) request.origin.committed(request)',
  },
  {
    name: 'results are encoded however full the reply is', file: 'codecs/results.ts', killer: ['test/codecs/values.test.ts', 'results take no more*'],
    unseen: 'what it costs is time',
    from: "    if (budget <= 0) return left('too much came before it')\n", to: '',
  },
  {
    name: 'a reply is larger than any frame', file: 'codecs/results.ts', killer: ['test/codecs/values.test.ts', 'results take no more*'],
    unseen: 'no result is as large as a frame',
    from: 'if (added > room) return', to: 'if (length > maxBytes) return',
  },
]
