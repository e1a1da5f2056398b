// An audit log outside the cluster: each command that is committed, once, in a file that says by itself where to go on after a restart or a crash.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as t from 'io-ts'
import { type Observable, filter, finalize, firstValueFrom, lastValueFrom, shareReplay } from 'rxjs'
import { type LogEvent, type Raft, createRaft, fileStorage, memoryNetwork, memoryTransport, orThrow, reducerMachine } from 'rxraft'

type Deposit = { account: string; amount: number }
type Balances = Readonly<Record<string, number>>

const bank = reducerMachine({
  command: t.strict({ account: t.string, amount: t.number }), result: t.number, state: t.readonly(t.record(t.string, t.number)), initial: {},
  reduce: (balances, { account, amount }, { index }) => [{ ...balances, [account]: (balances[account] ?? 0) + amount }, index], // answers with its place in the log
})

/** Lines with their place in the log: the last one is the position, and is written together with what was done. */
const linesOf = (event: LogEvent<Deposit, Balances>): readonly { readonly index: number; readonly [more: string]: unknown }[] => event._tag === 'Committed'
  ? event.entries.map(({ index, time, command }) => ({ index, at: new Date(time).toISOString(), ...command }))
  : [{ index: event.at.index, balances: event.state }] // away for longer than the log reaches back: this is what it has come to

/** Follows the log into the file, and tells up to where all of it is on the disk. */
const audit = async (raft: Raft<Deposit, number, Balances>): Promise<Observable<number>> => {
  const file = await open(path, 'a+')
  const text = await file.readFile('utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  await file.truncate(Buffer.byteLength(whole)) // a crash may have cut the last line: it comes again
  const last = whole.trimEnd().split('\n').at(-1) ?? ''
  const position = last === '' ? 0 : (JSON.parse(last) as { index: number }).index
  console.log(`the audit goes on behind ${position}${text === whole ? '' : `, without "${text.slice(whole.length)}"`}`)
  return raft.commitsFrom(position + 1, async event => { // the next event comes when this one is done
    const lines = linesOf(event)
    await file.appendFile(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    await file.datasync()
    return lines.at(-1)!.index
  }).pipe(finalize(() => file.close()), shareReplay(1))
}

const folder = mkdtempSync(join(tmpdir(), 'audit-'))
const path = join(folder, 'audit.jsonl')
const start = async (): Promise<Raft<Deposit, number, Balances>> => orThrow(await createRaft({
  cluster: 'bank', id: 'n1', members: { n1: 'localhost:1' }, machine: bank, transport: memoryTransport(memoryNetwork()), storage: fileStorage(join(folder, 'n1')),
}))

// The member stops as soon as the deposits are made, however far the audit has come, and power fails in the middle of a line.
const monday = await start()
const stopped = lastValueFrom(await audit(monday), { defaultValue: 0 })
for (const amount of [10, 20, 30]) orThrow(await monday.propose({ account: 'ann', amount }))
await monday.stop()
await stopped
appendFileSync(path, '{"index":4,"at":"20')

// On its next start it goes on where it was: nothing is missing, and nothing is there twice.
const tuesday = await start()
const audited$ = await audit(tuesday)
audited$.subscribe()
orThrow(await tuesday.propose({ account: 'bob', amount: 40 }))
const newest = orThrow(await tuesday.propose({ account: 'ann', amount: -50 }))
await firstValueFrom(audited$.pipe(filter(index => index >= newest)))
await tuesday.stop()
console.log(readFileSync(path, 'utf8').trimEnd())
rmSync(folder, { recursive: true })
