/** Ten clients that ask for all sorts of things, and three readers in the members' own processes; one thing at a time each. They write down what they asked and what they were told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createLatencies } from '../../cli/demo/latencies.js'
import { type Client, connect } from '../../client/index.js'
import { isLeft } from '../../lib/prelude.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { KeyValueInput, KeyValueOutput } from '../../testing/index.js'
import { type Dice, createDice } from '../../testing/simulation/world/dice.js'
import { type Command, keyValueProtocol } from './member/machine.js'
import type { Answer, Question } from './member/protocol.js'
import type { Asked } from './oracle/history.js'

const CLIENTS = 10
const READERS = 3
/** Of what clients ask, readers read so much beside them. */
const READ = 0.3
/** A key is in use for so long; then another takes its place, so that what nobody knows the end of does not pile up on one. */
const KEY_LASTS_MS = 8000
/** How often each key is asked for. */
const PER_KEY_AND_SECOND = 4
const LEAST_KEYS = 3

export interface ClientsOptions {
  readonly cluster: string
  readonly doors: Readonly<Record<MemberId, string>>
  readonly seed: number
  /** Operations per second, of all clients together, as long as they are answered. */
  readonly rate: number
  readonly timeoutMs: Millis
  readonly acknowledged: () => void
  /** Who may be read at the moment. */
  readonly readable: () => readonly MemberId[]
  readonly askAt: (id: MemberId, question: Question, timeoutMs: Millis) => Promise<Answer | undefined>
}

export interface Clients {
  readonly asked: readonly Asked[]
  /** What came of them so far, by a short name. */
  readonly outcomes: ReadonlyMap<string, number>
  /** The time below which this share of the answers came. */
  latencyMs(share: number): Millis
  /** Asks until `stop` is called. */
  begin(): void
  /** Resolves when every operation has its fate. */
  stop(): Promise<void>
  /** Reads every key that was ever used, until each was answered once or the time is up; how many were not. */
  readAll(withinMs: Millis): Promise<number>
  close(): Promise<void>
}

type Connection = Client<Command, KeyValueOutput>

/** Keys in use at a time share the load evenly, and are replaced one by one. */
const keyAt = (dice: Dice, rate: number, sinceMs: Millis): string => {
  const slots = Math.max(LEAST_KEYS, Math.ceil(rate / PER_KEY_AND_SECOND))
  const slot = dice.integer(0, slots - 1)
  return `k${slot}.${Math.floor((sinceMs + slot * KEY_LASTS_MS / slots) / KEY_LASTS_MS)}`
}

const inputOf = (dice: Dice, key: string, op: number, seen: string | null): KeyValueInput => {
  const kind = dice.number()
  if (kind < 0.3) return { type: 'get', key }
  if (kind < 0.5) return { type: 'put', key, value: `${op};` }
  if (kind < 0.8) return { type: 'append', key, value: `${op};` }
  return { type: 'cas', key, from: seen, to: `${op};` }
}

export const createClients = (options: ClientsOptions): Clients => {
  const { cluster, doors, rate, timeoutMs } = options
  const asked: Asked[] = []
  const keys = new Set<string>()
  const outcomes = new Map<string, number>()
  const latencies = createLatencies()
  const connections: Connection[] = []
  const began = performance.now()
  let isOver = false
  let running: readonly Promise<void>[] = []

  const connected = async (): Promise<Connection | undefined> => {
    while (!isOver) {
      const outcome = await connect({ cluster, members: doors, protocol: keyValueProtocol, timeoutMs })
      if (isLeft(outcome)) continue
      connections.push(outcome.right)
      return outcome.right
    }
    return undefined
  }
  const ask = async (connection: Connection, client: string, inputFor: (op: number) => KeyValueInput): Promise<Asked> => {
    const op = asked.length
    const input = inputFor(op)
    keys.add(input.key)
    const calledAt = performance.now()
    const call = { op, client, input, calledAt }
    asked.push({ ...call, fate: undefined })
    const outcome = await connection.propose({ op, input }, { timeoutMs })
    const returnedAt = performance.now()
    const fate: Asked['fate'] = isLeft(outcome)
      ? { type: 'failed', appended: outcome.left.appended, error: outcome.left._tag }
      : { type: 'answered', output: outcome.right, returnedAt }
    const result: Asked = { ...call, fate }
    asked[op] = result
    const name = fate.type === 'answered' ? 'answered' : `${fate.appended} (${fate.error})`
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
    if (fate.type === 'answered') {
      latencies.add(returnedAt - calledAt)
      if (input.type !== 'get') options.acknowledged()
    }
    return result
  }
  const live = async (client: string, dice: Dice): Promise<void> => {
    const connection = await connected()
    const seen = new Map<string, string | null>()
    let due = performance.now()
    while (!isOver && connection !== undefined) {
      due = Math.max(performance.now(), due + dice.exponential(CLIENTS * 1000 / rate))
      await sleep(Math.max(0, due - performance.now()))
      const { input, fate } = await ask(connection, client, op => {
        const key = keyAt(dice, rate, performance.now() - began)
        return inputOf(dice, key, op, seen.get(key) ?? null)
      })
      if (fate?.type === 'answered' && input.type === 'get' && typeof fate.output !== 'boolean') seen.set(input.key, fate.output)
    }
  }

  /** A get at a member, which any of them answers with what is true now. */
  const read = async (client: string, at: MemberId, key: string): Promise<void> => {
    const op = asked.length
    const call = { op, client, input: { type: 'get', key }, calledAt: performance.now(), isRead: true } as const
    asked.push({ ...call, fate: undefined })
    const answer = await options.askAt(at, { type: 'read', key }, timeoutMs)
    const error = answer?.type === 'failed' ? answer.error : 'the member died'
    asked[op] = { ...call, fate: answer?.type === 'read' ? { type: 'answered', output: answer.value, returnedAt: performance.now() } : { type: 'failed', appended: 'never', error } }
    const name = answer?.type === 'read' ? 'read' : `not read (${error})`
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
  }
  const readOn = async (client: string, dice: Dice): Promise<void> => {
    while (!isOver) {
      await sleep(dice.exponential(READERS * 1000 / (rate * READ)))
      const members = options.readable()
      if (members.length > 0) await read(client, dice.pick(members), keyAt(dice, rate, performance.now() - began))
    }
  }

  return {
    asked, outcomes,
    latencyMs: latencies.at,
    begin: () => {
      running = [
        ...Array.from({ length: CLIENTS }, (_, n) => live(`c${n}`, createDice(options.seed + n))),
        ...Array.from({ length: READERS }, (_, n) => readOn(`r${n}`, createDice(options.seed + CLIENTS + n))),
      ]
    },
    stop: async () => {
      isOver = true
      await Promise.all(running)
    },
    readAll: async withinMs => {
      const end = performance.now() + withinMs
      const left = [...keys]
      let unread = 0
      await Promise.all(connections.map(async (connection, n) => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) {
          const wanted = key
          let isRead = false
          while (!isRead && performance.now() < end) isRead = (await ask(connection, `c${n}`, () => ({ type: 'get', key: wanted }))).fate?.type === 'answered'
          if (!isRead) unread++
        }
      }))
      return unread + left.length
    },
    close: async () => {
      await Promise.all(connections.map(connection => connection.close()))
    },
  }
}
