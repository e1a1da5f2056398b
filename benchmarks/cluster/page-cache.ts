/** What the system keeps of files in memory, as long as nobody has it forgotten; of what the disk, or the host of a virtual machine, keeps it knows nothing. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, writeFileSync } from 'node:fs'

const SWITCH = '/proc/sys/vm/drop_caches'
const PAGES_AND_NAMES = '3'

/** Linux, as root. */
export const canDropPageCache = (): boolean => {
  try {
    accessSync(SWITCH, constants.W_OK)
    return true
  } catch {
    return false
  }
}

export const dropPageCache = (): void => {
  execFileSync('sync')
  writeFileSync(SWITCH, PAGES_AND_NAMES)
}
