/** A bit that flips in a file while its member is down. What starts must have forgotten nothing; the rest must refuse by name. */
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SECTOR_BYTES } from '../../../streams/storage/disk/disk.js'
import { createDice } from '../../../testing/simulation/world/dice.js'
import type { Fault } from './fault.js'

/** A taken port says nothing of the damage, and nothing has been written then. */
const EXPECTED = new Set(['Damaged', 'WrongFolder', 'PortInUse'])

/** Where something is written: a sector that looks like no other. */
const inUse = (bytes: Buffer): readonly number[] => {
  const seen = new Map<string, number>()
  const sectors = Array.from({ length: Math.ceil(bytes.length / SECTOR_BYTES) }, (_, n) => bytes.toString('latin1', n * SECTOR_BYTES, (n + 1) * SECTOR_BYTES))
  for (const sector of sectors) seen.set(sector, (seen.get(sector) ?? 0) + 1)
  return sectors.flatMap((sector, n) => (seen.get(sector) === 1 ? [n * SECTOR_BYTES] : []))
}

const flipOneIn = (folder: string, seed: number): string => {
  const dice = createDice(seed)
  const name = dice.pick(readdirSync(folder).filter(each => statSync(join(folder, each)).isFile()).sort())
  const bytes = readFileSync(join(folder, name))
  const start = dice.chance(0.8) ? dice.pick(inUse(bytes)) : 0
  const at = start + dice.integer(0, Math.min(SECTOR_BYTES, bytes.length - start) - 1)
  bytes[at] = bytes[at]! ^ (1 << dice.integer(0, 7))
  writeFileSync(join(folder, name), bytes)
  return `${name} at ${at}`
}

const copy = (from: string, to: string): void => {
  rmSync(to, { recursive: true, force: true })
  // Sockets of a lock cannot be copied, and a dead one need not be.
  cpSync(from, to, { recursive: true, filter: path => statSync(path).isFile() || statSync(path).isDirectory() })
}

export const bitFlip: Fault = async (stage, { order, seed }) => {
  const { cluster } = stage
  const [id] = order
  // Another one may be at its files, and one that has just been started may have none.
  if (id === undefined || !cluster.isAwake(id) || stage.isHeldDown(id)) return undefined
  const release = stage.holdDown(id)
  const folder = cluster.folderOf(id)
  const sound = `${folder}.sound`
  const probe = `${folder}.probe`
  await cluster.kill(id)
  copy(folder, sound)
  copy(folder, probe)
  const before = await stage.look(id, probe)
  rmSync(probe, { recursive: true })
  const where = flipOneIn(folder, seed)
  const start = await cluster.start(id)
  if (start.type === 'refused') {
    stage.count(`bit flips refused as ${start.tag}`)
    if (!EXPECTED.has(start.tag)) stage.violated(`${id} refused a flipped bit of ${where} as ${start.tag}: ${start.message}`)
    copy(sound, folder)
  } else if (start.type === 'started') {
    stage.count('bit flips that changed nothing')
    if (start.lastIndex < before.lastIndex || start.term < before.term) {
      stage.violated(`${id} started after a flipped bit of ${where} at index ${start.lastIndex} of term ${start.term}, and had ${before.lastIndex} of term ${before.term}`)
    }
  } else stage.violated(`${id} died of a flipped bit of ${where}`)
  return {
    whom: `${id}, ${where}: ${start.type}`,
    mend: async () => {
      release()
      await stage.revive(id)
    },
  }
}
