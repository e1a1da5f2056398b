/** Another system, measured by a program of its own that prints lines of JSON. */
import { spawn } from 'node:child_process'
import { Mistake } from '../../cli/mistake.js'
import type { Sample } from '../reporting/figures.js'
import { report } from '../reporting/stats.js'

export type PeerResult = Readonly<Record<string, unknown>>

const resultOf = (line: string, command: string): PeerResult => {
  try {
    return JSON.parse(line) as PeerResult
  } catch {
    throw new Mistake(`the peer's program printed a line that is no JSON: ${command}`)
  }
}

/** Runs `command` in a shell and collects what it reports. What it does not do is a mistake of whoever named it. */
export const runPeer = (command: string): Promise<readonly PeerResult[]> => new Promise((resolve, reject) => {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  child.once('error', reject)
  child.once('close', (code, signal) => {
    if (code !== 0) return reject(new Mistake(`the peer's program ended with ${code === null ? signal : `code ${code}`}: ${command}`))
    try {
      resolve(text.split('\n').filter(line => line.startsWith('{')).map(line => resultOf(line, command)))
    } catch (error) {
      reject(error)
    }
  })
})

export const numberIn = (result: PeerResult | undefined, name: string): number => {
  const value = result?.[name]
  return typeof value === 'number' ? value : Number.NaN
}

/** What a line says of so many writes in flight. */
export const samplesOf = (line: PeerResult): readonly Sample[] => {
  const at = String(numberIn(line, 'clients'))
  return ([['perSecond', 'per_s'], ['p50Ms', 'p50_ms'], ['p99Ms', 'p99_ms'], ['p999Ms', 'p999_ms']] as const).map(([kind, name]) => ({ at, kind, value: numberIn(line, name) }))
}

export interface PeerSpeed {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** One round of what `--peer` names: its `{clients}` and `{secs}` are filled in, and its first line is reported and counts. */
export const peerRound = async (command: string, { clients, secs }: { readonly clients: number; readonly secs: number }): Promise<PeerSpeed> => {
  const [line] = await runPeer(command.replaceAll('{clients}', String(clients)).replaceAll('{secs}', String(secs)))
  const speed = { perSecond: numberIn(line, 'per_s'), p50Ms: numberIn(line, 'p50_ms'), p99Ms: numberIn(line, 'p99_ms') }
  if (Number.isNaN(speed.perSecond)) throw new Mistake(`the peer's program printed no line of JSON with a number per_s: ${command}`)
  report({ ...line })
  return speed
}
