/** Another system, measured by a program of its own that prints lines of JSON. */
import { spawn } from 'node:child_process'

export type PeerResult = Readonly<Record<string, unknown>>

/** Runs `command` in a shell and collects what it reports. */
export const runPeer = (command: string): Promise<readonly PeerResult[]> => new Promise((resolve, reject) => {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  child.once('error', reject)
  child.once('exit', code => {
    if (code !== 0) return reject(new Error(`the peer's program ended with code ${code}: ${command}`))
    resolve(text.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as PeerResult))
  })
})

export const numberIn = (result: PeerResult | undefined, name: string): number => {
  const value = result?.[name]
  return typeof value === 'number' ? value : Number.NaN
}
