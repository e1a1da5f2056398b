/** A copy of a member's folder that is whole, or none. */
import { messageOf } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { Disk } from '../../streams/storage/disk/disk.js'
import type { Failure } from '../../streams/storage/files/store-file.js'
import { HARD_STATE_FILE } from '../../streams/storage/files/hard-state-file.js'
import { startError } from '../../streams/storage/store-folder.js'
import { type Survey, lacksSnapshot, surveyFolder } from '../../streams/storage/survey.js'
import { checkFounded, settled } from '../folder/hold.js'
import { Trouble } from '../mistake.js'
import { type Target, asPublished, copyHardState, copySources, emptyFolder, publishCopy, removeCopied } from './copy-files.js'
import { openSources } from './sources.js'

/** So often a copy is begun that turns out not to be whole because the folder went on meanwhile. */
const MAX_TRIES = 5

/** What a copy holds. */
export interface Backup extends Survey {
  readonly bytes: number
  /** Which try it was. */
  readonly tries: number
}

export interface BackupOptions {
  readonly disk: Disk
  readonly folder: string
  readonly copy: string
  /** What is being done. */
  readonly tell: (what: string) => void
}

/** Why no lone member could start from a folder, if none could. */
export const objectionTo = ({ faults, hardState, log, snapshots }: Pick<Survey, 'faults' | 'hardState' | 'log' | 'snapshots'>): string | undefined => {
  if (faults.length > 0) return faults.map(({ message }) => message).join(' ')
  if (log === undefined || hardState === undefined) return 'The folder was never completed, and holds nothing yet.'
  return lacksSnapshot({ log, snapshots }) ? `The log begins after ${log.base.index}, and no snapshot of what precedes it is there: the member waits for that of its leader. Copy the folder of another member.` : undefined
}

const surveyed = async ({ disk, folder }: Target, tell: BackupOptions['tell']): Promise<Survey> => {
  const found = await settled<Survey, Failure>(surveyFolder({ disk: asPublished(disk), folder, withContents: true, looked: name => tell(`verifying ${name}`) }))
  if (isLeft(found)) throw new Trouble(startError(folder, found.left).message)
  return found.right
}

/** Copies what the folder has now; answers with what there is to object, and whether that may be because the folder has gone on. */
const attempt = async (target: Target, { disk, folder, tell }: BackupOptions): Promise<{ readonly bytes: number; readonly found: Survey; readonly objection: string | undefined; readonly hasChanged: boolean }> => {
  const sources = await openSources(disk, folder)
  try {
    const bytes = await copySources(target, sources, folder)
    const found = await surveyed(target, tell)
    const objection = objectionTo(found)
    return { bytes, found, objection, hasChanged: objection !== undefined && await sources.hasChanged() }
  } finally {
    await sources.close()
  }
}

const copyWhole = async (target: Target, options: BackupOptions): Promise<Backup> => {
  const before = await copyHardState(target, options.folder)
  for (let tries = 1; ; tries++) {
    const { bytes, found, objection, hasChanged } = await attempt(target, options)
    if (objection === undefined) {
      await publishCopy(target)
      return { ...found, bytes: before + bytes, tries }
    }
    if (!hasChanged) throw new Trouble(found.faults.length === 0 ? objection : `What was copied is not whole: ${objection} That is what the same files of ${options.folder} hold, or what the disk of ${options.copy} made of it.`)
    if (tries === MAX_TRIES) throw new Trouble(`The folder changed faster than it could be copied, ${MAX_TRIES} times. ${objection}`)
    await removeCopied(target, HARD_STATE_FILE)
  }
}

/** Copies the folder of a member, which may run meanwhile, and answers with what the copy holds. Where that fails nothing is left in the copy's folder. */
export const backUp = async (options: BackupOptions): Promise<Backup> => {
  const { disk, folder, copy, tell } = options
  await checkFounded(disk, folder)
  await emptyFolder(disk, copy)
  const target: Target = { disk, folder: copy, names: new Set(), copies: name => tell(`copying ${name}`) }
  try {
    return await copyWhole(target, options)
  } catch (error) {
    await removeCopied(target)
    throw new Trouble(`There is no copy of ${folder}. ${messageOf(error)}`)
  }
}
