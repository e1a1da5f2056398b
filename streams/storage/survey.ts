/** What a data folder holds, found without changing any of it: for those who look, and for those who check. */
import type { Identity } from '../../codecs/records.js'
import { lastIndexOf } from '../../lib/batch.js'
import { Damaged, SnapshotLost, type StartError, WrongFolder } from '../../lib/errors.js'
import { type Either, isLeft, right } from '../../lib/prelude.js'
import type { EntryId, HardState, Index, Snapshot } from '../../lib/types.js'
import { type Act, chain, ensure, forEach, inOrder, map, succeed } from '../act/act.js'
import { decidesAlone } from './alone.js'
import type { Disk } from './disk/disk.js'
import { listFolder } from './disk/file-access.js'
import { HARD_STATE_FILE, readHardState } from './files/hard-state-file.js'
import { IDENTITY_FILE, readIdentity } from './files/identity-file.js'
import { type CheckOwner, type Failure, temporary } from './files/store-file.js'
import { type CollectedLog, logCollector } from './log/log-collector.js'
import { createLogIndex } from './log/log-index.js'
import { type Scanned, judge, judgeSpare, scanFile, tornNote } from './log/scan-file.js'
import { FIRST_RECORD, segmentName, segmentNumbersIn } from './log/segment.js'
import { createSegmentNotes } from './log/segment-notes.js'
import type { ScannedRecord } from './log/segment-scan.js'
import { type LostEnd, installNote, installed, interruptedInstall, lostEnd, lostEndReason } from './reconcile.js'
import { chunksOf, openSnapshot } from './snapshots/read-snapshot.js'
import { incomingNamed, snapshotName, snapshotsIn } from './snapshots/snapshot-file.js'
import { startError } from './store-folder.js'

/** One file of the log. */
export interface SurveyedSegment {
  readonly name: string
  readonly bytes: number
  /** Up to where it is used. */
  readonly usedBytes: number
  readonly records: number
  /** What it says of the log where it begins: the log stood there, or begins anew there. */
  readonly base: (EntryId & { readonly isAnew: boolean }) | undefined
  /** The first and the last entry that were appended in it, replaced later or not. */
  readonly first: EntryId | undefined
  readonly last: EntryId | undefined
  /** It says that the log goes on in the next one. */
  readonly isSealed: boolean
}

export interface SurveyedLog extends Omit<CollectedLog, 'tailFrom'> {
  readonly commitIndex: Index
}

export interface Survey {
  readonly identity: Identity
  readonly hardState: HardState | undefined
  readonly segments: readonly SurveyedSegment[]
  /** What a start would hand over: a log that begins anew where an install was interrupted. Undefined where it has no beginning. */
  readonly log: SurveyedLog | undefined
  /** Those whose place and end are whole, newest first. */
  readonly snapshots: readonly Snapshot[]
  /** Names of those that were being received. */
  readonly incoming: readonly string[]
  /** What keeps a member from starting, or would if it were needed: damage above all, each with its file. */
  readonly faults: readonly StartError[]
  /** The log ends before what was committed: one of the faults, and one that does not keep the rest from being read. */
  readonly lost: (LostEnd & { readonly fault: StartError }) | undefined
  /** Damage that keeps nobody from starting, since a copy of it is whole. */
  readonly survived: readonly string[]
  /** What a start would settle by itself. */
  readonly notes: readonly string[]
}

export interface SurveyOptions {
  readonly disk: Disk
  readonly folder: string
  /** Whether the contents of snapshots are read, too. */
  readonly withContents: boolean
  /** A file has been read. */
  readonly looked: (name: string) => void
}

/** What is gathered on the way. */
interface Found {
  hardState: HardState | undefined
  log: Survey['log']
  /** Where a log ends that is whole so far. */
  end: { readonly path: string; readonly offset: number } | undefined
  readonly segments: SurveyedSegment[]
  readonly snapshots: Snapshot[]
  readonly faults: StartError[]
  readonly survived: string[]
  readonly notes: string[]
}

/** Whoever looks need not know whose the folder is; that its files belong together is looked at. */
const sameCluster = (path: string, { clusterId }: Identity): CheckOwner => header =>
  header.clusterId === clusterId ? undefined : new WrongFolder(path, 'it belongs to another cluster than the identity')

/** `act`, whose failure is a fault among others and ends nothing. */
const tried = <A>(found: Pick<Found, 'faults'>, path: string, act: Act<A, Failure>, use: (answer: A) => void): Act<void, never> => done => act((outcome: Either<Failure, A>) => {
  if (isLeft(outcome)) found.faults.push(startError(path, outcome.left))
  else use(outcome.right)
  done(right(undefined))
})

/** Notes what a segment's records say of it, beside what `each` makes of them. */
const surveying = (each: (record: ScannedRecord) => string | undefined) => {
  let base: SurveyedSegment['base']
  let first: EntryId | undefined
  let last: EntryId | undefined
  return {
    each: (record: ScannedRecord): string | undefined => {
      if (record.base !== undefined) base = { index: record.base.index, term: record.base.term, isAnew: record.header.type === 'install' }
      for (const batch of record.batches) {
        first ??= { index: batch.firstIndex, term: batch.term }
        last = { index: lastIndexOf(batch), term: batch.term }
      }
      return each(record)
    },
    segment: ({ header, end }: Scanned): SurveyedSegment => ({
      name: segmentName(header.number), bytes: header.capacity, usedBytes: end.tail, records: end.records, base, first, last, isSealed: end.isSealed,
    }),
  }
}

/** Reads all segments. Behind the first fault only what each says for itself is checked: what should follow on what is not known any more. */
const surveyLog = ({ disk, folder, looked }: SurveyOptions, identity: Identity, numbers: readonly number[], found: Found): Act<void, never> => {
  const first = numbers[0] ?? 1
  const collector = logCollector(first, 0, createSegmentNotes(first))
  let previous: Scanned | undefined
  let last: Scanned | undefined
  let isWhole = true
  const refuse = (path: string, failure: Failure): void => {
    found.faults.push(startError(path, failure))
    isWhole = false
  }
  const add = (path: string, outcome: Either<Failure, Scanned>): void => {
    if (isLeft(outcome)) return refuse(path, outcome.left)
    previous = outcome.right
    const damage = judge(previous, isWhole ? collector.lastIndex() : undefined)
    if (damage !== undefined) return refuse(path, damage)
    if (previous.end.isSealed) return
    last = previous
    found.notes.push(...tornNote(last))
  }
  const addSpare = (path: string, used: Scanned, outcome: Either<Failure, Scanned>): void => {
    const verdict = judgeSpare(path, used, collector.lastIndex(), outcome)
    if (isLeft(verdict)) refuse(path, verdict.left)
    else if (verdict.right === 'unfinished') found.notes.push(`${path}: a segment that was being prepared will be dropped`)
  }
  const look = (number: number): Act<void, never> => done => {
    const path = `${folder}/${segmentName(number)}`
    const expected = previous === undefined ? first : previous.header.number + 1
    if (last === undefined && isWhole && number !== expected) {
      const missing = `${folder}/${segmentName(expected)}`
      refuse(missing, new Damaged(missing, 0, collector.lastIndex() + 1, 'the file is missing'))
    }
    const survey = surveying(isWhole && last === undefined ? collector.each(number) : () => undefined)
    scanFile(disk, folder, number, sameCluster(path, identity), survey.each)(outcome => {
      if (!isLeft(outcome)) found.segments.push(survey.segment(outcome.right))
      if (last === undefined) add(path, outcome)
      else addSpare(path, last, outcome)
      looked(segmentName(number))
      done(right(undefined))
    })
  }
  return map(forEach(numbers, look), () => {
    found.log = collector.collected()
    found.end = isWhole && last !== undefined ? { path: last.path, offset: last.end.tail } : undefined
    if (found.faults.length > 0) return
    if (last === undefined) found.faults.push(new Damaged(`${folder}/${segmentName((numbers.at(-1) ?? 0) + 1)}`, 0, collector.lastIndex() + 1, 'the file is missing'))
    else if (found.log === undefined) found.faults.push(new Damaged(last.path, FIRST_RECORD, undefined, 'the log has no beginning'))
  })
}

/** Reads a snapshot's place and end, and where that is wanted all of its contents. */
const readWhole = ({ disk, folder, withContents }: SurveyOptions, identity: Identity, id: EntryId): Act<Snapshot, Failure> => {
  const path = `${folder}/${snapshotName(id)}`
  return chain(openSnapshot(disk, folder, id, sameCluster(path, identity)), file => {
    const { next, close } = chunksOf(file)
    const readOn: Act<void, Error> = done => next(outcome => {
      if (isLeft(outcome)) done(outcome)
      else if (outcome.right === undefined) done(right(undefined))
      // In a turn of its own, or a large one builds a tower of calls.
      else setImmediate(() => readOn(done))
    })
    const contents: Act<void, Failure> = withContents ? readOn : succeed(undefined)
    return map(ensure(contents, close), () => file.snapshot)
  })
}

const surveySnapshots = (options: SurveyOptions, identity: Identity, names: readonly string[], found: Found): Act<void, never> =>
  forEach(snapshotsIn(names), id => map(
    tried(found, `${options.folder}/${snapshotName(id)}`, readWhole(options, identity, id), snapshot => found.snapshots.push(snapshot)),
    () => options.looked(snapshotName(id))))

/** Whether what precedes the log is gone: no whole snapshot reaches to where it begins. */
export const lacksSnapshot = ({ log, snapshots }: Pick<Survey, 'log' | 'snapshots'>): boolean => log !== undefined && log.base.index > (snapshots[0]?.index ?? 0)

/** Whether a member could start from the folder with all that it stands for, and with nobody to ask: what a backup must be good for. */
export const couldStartAlone = (survey: Survey): boolean => survey.faults.length === 0 && !lacksSnapshot(survey)

/** What the log has lost of its end, with what there is to say of it. */
const lostIn = ({ log, end, snapshots, hardState }: Found): Survey['lost'] => {
  const lost = log && end && lostEnd(log, snapshots[0], hardState)
  return lost && end && log ? { ...lost, fault: new Damaged(end.path, end.offset, log.lastIndex + 1, lostEndReason(lost)) } : undefined
}

/** What the parts of a folder say together. */
const conclude = ({ folder }: SurveyOptions, identity: Identity, names: readonly string[], found: Found): Survey => {
  const { hardState, snapshots, faults, notes } = found
  const [newest] = snapshots
  const lost = lostIn(found)
  if (lost !== undefined) faults.push(lost.fault)
  const unfinished = found.log && interruptedInstall(found.log, newest)
  const log = found.log && unfinished ? { ...installed(unfinished), index: createLogIndex(unfinished.index), commitIndex: found.log.commitIndex } : found.log
  if (unfinished !== undefined) notes.push(installNote(folder, unfinished))
  if (log !== undefined && lacksSnapshot({ log, snapshots })) {
    const behind = log.base.index
    const commitIndex = Math.max(hardState?.commitIndex ?? 0, log.commitIndex, behind)
    if (decidesAlone(log, commitIndex, identity.id)) faults.push(new SnapshotLost(behind, `${folder} holds no whole snapshot of what precedes it.`))
    else notes.push(`${folder}: the log begins after ${behind}, and no whole snapshot is there of what precedes it: the member needs the leader's`)
  }
  const leftovers = names.filter(name => name.endsWith('.tmp')).map(name => `${folder}/${name}: an unfinished file will be removed, or completed`)
  const incoming = names.filter(name => incomingNamed(name) !== undefined)
  const parts = incoming.map(name => `${folder}/${name}: a part of a snapshot that was being received, which is not looked into`)
  return { identity, hardState, segments: found.segments, log, snapshots, incoming, faults, lost, survived: found.survived, notes: [...notes, ...parts, ...leftovers] }
}

/** Looks at all files of a held folder. Fails only where the folder or its identity cannot be read; all else that is wrong is among the faults. */
export const surveyFolder = (options: SurveyOptions): Act<Survey, Failure> => {
  const { disk, folder } = options
  return chain(listFolder(disk, folder), names => chain(readIdentity(disk, `${folder}/${IDENTITY_FILE}`, () => undefined), (identity): Act<Survey, never> => {
    const found: Found = { hardState: undefined, log: undefined, end: undefined, segments: [], snapshots: [], faults: [], survived: [], notes: [] }
    const path = `${folder}/${HARD_STATE_FILE}`
    const isUnnamed = (name: string): boolean => !names.includes(name) && names.includes(temporary(name))
    const hardState = isUnnamed(HARD_STATE_FILE) ? succeed(undefined) : tried(found, path, readHardState(disk, path, sameCluster(path, identity)), ({ found: read, notes }) => {
      found.hardState = read
      found.survived.push(...notes)
    })
    const log = isUnnamed(segmentName(1)) ? succeed(undefined) : surveyLog(options, identity, segmentNumbersIn(names), found)
    return map(inOrder(hardState, log, surveySnapshots(options, identity, names, found)), () => conclude(options, identity, names, found))
  }))
}
