/** Where a report was made. */
import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import * as t from 'io-ts'

export const MachineDescription = t.readonly(t.strict({
  cpu: t.string,
  cores: t.number,
  memoryGiB: t.number,
  system: t.string,
  node: t.string,
  v8: t.string,
  /** Of the folder that all data was in. */
  fileSystem: t.string,
  /** What waited for a processor, on average over the minute before the first round and over the minute before the end. */
  loadBefore: t.number,
  loadAfter: t.number,
  /** The commit, with a + where files were changed; unknown outside of a checkout. */
  revision: t.string,
}))
export type MachineDescription = t.TypeOf<typeof MachineDescription>

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4', 0x01021994: 'tmpfs', 0x58465342: 'xfs', 0x9123683e: 'btrfs', 0x794c7630: 'overlayfs', 0x2fc12fc1: 'zfs', 0x6969: 'nfs', 0x1a: 'apfs',
}

/** A file system that keeps nothing: what is synced there is not on a disk. */
export const isVolatile = ({ fileSystem }: Pick<MachineDescription, 'fileSystem'>): boolean => fileSystem === 'tmpfs'

const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

const revision = (): string => {
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}

/** `folder`: where data will be. */
export const describeMachine = (folder: string): MachineDescription => {
  const fileSystem = statfsSync(folder).type
  const load = loadavg()[0] ?? 0
  return {
    cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), system: `${type()} ${release()}`,
    node: process.versions.node, v8: process.versions.v8, fileSystem: FILE_SYSTEMS[fileSystem] ?? `0x${fileSystem.toString(16)}`,
    loadBefore: load, loadAfter: load, revision: revision(),
  }
}
