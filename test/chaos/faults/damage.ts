/** A bit that flips in a file while its member is down. What starts must have forgotten nothing; the rest must refuse by name. */
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDice } from '../../simulation/dice.js'
import type { Fault } from './fault.js'

const EXPECTED = new Set(['Damaged', 'WrongFolder'])

const flipOneIn = (folder: string, seed: number): string => {
  const dice = createDice(seed)
  const name = dice.pick(readdirSync(folder).filter(each => statSync(join(folder, each)).isFile()).sort())
  const bytes = readFileSync(join(folder, name))
  const at = dice.integer(0, bytes.length - 1)
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
  if (id === undefined || !cluster.isRunning(id)) return undefined
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
