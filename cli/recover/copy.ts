/** A copy of what is about to be changed. */
import { constants } from 'node:fs'
import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '../../codecs/report.js'
import { HARD_STATE_FILE } from '../../streams/storage/files/hard-state-file.js'
import { IDENTITY_FILE } from '../../streams/storage/files/identity-file.js'
import { segmentNumberOf } from '../../streams/storage/log/segment.js'

const FOLDER_MODE = 0o700

const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Everything but snapshots, which stay as they are. */
const isChanged = (name: string): boolean => name === HARD_STATE_FILE || name === IDENTITY_FILE || segmentNumberOf(name) !== undefined

const removeWhole = (path: string): Promise<void> => rm(path, { recursive: true, force: true })

/** Copies identity, hard state and log beside the folder, durably, and answers where; where that fails nothing of it is left, or what is left is named. Where the file system can, the copy shares its blocks. */
export const copyBeside = async (folder: string, date: Date, remove = removeWhole): Promise<string> => {
  const copy = `${resolve(folder)}.before-recovery-${date.toISOString().replace(/[:.]/g, '-')}`
  await mkdir(copy, { mode: FOLDER_MODE })
  try {
    for (const name of (await readdir(folder)).filter(isChanged)) {
      await copyFile(join(folder, name), join(copy, name), constants.COPYFILE_FICLONE)
      await syncPath(join(copy, name))
    }
    await syncPath(copy)
    await syncPath(join(copy, '..'))
    return copy
  } catch (thrown) {
    await remove(copy).catch((kept: unknown) => {
      throw new Error(`${messageOf(thrown)}; what there is of the copy, ${copy}, could not be removed: ${messageOf(kept)}`)
    })
    throw thrown
  }
}
