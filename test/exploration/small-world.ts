/**
 * A world as a few numbers: three members, what may still be done to them, what is remembered, and the letters under way.
 *
 *     [ member 1, member 2, member 3, budget, memory, letter, letter, … ]      letters ascending, each once
 *
 * Members, letters and memories are interned, and so is every act of a member: the core is asked once for each member it can
 * be and each thing that can happen to it, however many worlds that happens in.
 */
import { isReady } from '../../lib/status.js'
import type { Message } from '../../lib/messages.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Membership } from '../../lib/types.js'
import { membershipOf, show, words as wordsIn } from '../lib/build.js'
import { type Witness, notOnMajority } from '../lib/promises.js'
import { type Fold, type Shell, emptyDisk } from '../lib/shell.js'
import type { Bounds } from './bounds.js'
import { MANY, interned } from './interned.js'
import { createJudge } from './judge.js'
import { type Act, actOn, keyOf, letterKey, startLocal } from './local.js'
import { MAIL, createMail } from './mail.js'

const IDS: readonly MemberId[] = ['n1', 'n2', 'n3']
const BUDGET = IDS.length
const MEMORY = BUDGET + 1
/** Letters a world can hold, over all bounds that make sense. */
export const MAX_WORDS = MAIL + 64
const CRASH = 1
const DUPLICATE = 1 << 8
const PROPOSAL = 1 << 16
const HEARTBEAT = 1 << 24
const CHANGE = 1 << 28

/** What an act takes from the budget; that a letter comes twice is counted where it does. */
const COSTS: Readonly<Record<Act['type'], number>> = { hear: 0, stand: 0, write: 0, crash: CRASH, propose: PROPOSAL, beat: HEARTBEAT, change: CHANGE }

interface Local {
  readonly shell: Shell
  /** Equal numbers, equal logs in memory and on disk. */
  readonly logs: number
  readonly acts: readonly number[]
}
interface Letter { readonly message: Message; readonly link: number; readonly act: number }
interface Effect { readonly local: number; readonly letters: readonly number[]; readonly commits: boolean; readonly broken: readonly string[] }

/** Looks at one successor; the words are reused for the next. */
export type Visit = (words: Uint32Array, length: number, code: number, broken: readonly string[]) => void

export interface SmallWorld {
  readonly first: Uint32Array
  readonly successors: (words: Uint32Array, length: number, visit: Visit) => void
  /** The act of a code, in words. */
  readonly tell: (code: number) => string
  readonly members: (words: Uint32Array) => readonly Witness[]
  /** The same world with nothing under way. */
  readonly silent: (words: Uint32Array) => Uint32Array
  /** Members, letters, and acts of members that were met. */
  readonly size: () => string
}

export const createSmallWorld = (bounds: Bounds, fold: Fold): SmallWorld => {
  const act = actOn(fold, bounds)
  const locals = interned<Local>()
  const letters = interned<Letter>()
  const acts = interned<Act>()
  const effects = new Map<number, Effect>()
  const judge = createJudge()
  const mail = createMail(bounds.lettersPerLink, IDS.length ** 2, letter => letters.at(letter))

  const actNumber = (one: Act, key = JSON.stringify(one)): number => acts.numberOf(key, () => one)
  const localNumber = (shell: Shell): number => locals.numberOf(keyOf(shell), () => ({ shell, logs: judge.logsOf(shell), acts: actsOf(shell) }))
  const letterNumber = (message: Message): number => {
    const key = letterKey(message)
    return letters.numberOf(key, () => ({
      message, link: IDS.indexOf(message.from) * IDS.length + IDS.indexOf(message.to), act: actNumber({ type: 'hear', message }, key),
    }))
  }
  /** What can happen to a member by itself; proposals and crashes are bounded by the world. */
  const actsOf = ({ step: { state }, writes }: Shell): readonly number[] => {
    const possible: Act[] = [{ type: 'crash' }]
    if (writes.length > 0) possible.push({ type: 'write' })
    if (state.role === 'leader') possible.push({ type: 'beat' }, ...bounds.changes.map((wish, at) => ({ type: 'change', wish, request: at + 1 }) as const))
    if (state.term < bounds.maxTerm) possible.push({ type: 'stand' })
    if (isReady(state)) for (let request = 1; request <= bounds.proposals; request++) possible.push({ type: 'propose', request })
    return possible.map(one => actNumber(one))
  }
  const effectOf = (local: number, number: number): Effect => {
    const key = local * MANY + number
    let effect = effects.get(key)
    if (effect === undefined) effects.set(key, effect = compute(local, number))
    return effect
  }
  const compute = (local: number, number: number): Effect => {
    const { shell } = locals.at(local)
    try {
      const acted = act(shell, acts.at(number))
      const { state } = acted.shell.step
      const commits = state.role === 'leader' && state.commitIndex > shell.step.state.commitIndex
      return { local: localNumber(acted.shell), letters: acted.letters.map(letterNumber), commits, broken: [] }
    } catch (error) {
      return { local, letters: [], commits: false, broken: [String(error)] }
    }
  }
  const stateOf = (local: number): RaftState => locals.at(local).shell.step.state
  const members = (words: Uint32Array): readonly Witness[] => IDS.map((id, at) => {
    const { shell } = locals.at(words[at]!)
    return { id, isUp: true, state: shell.step.state, disk: shell.disk }
  })

  const next = new Uint32Array(MAX_WORDS)
  /** Does one act in `next`, which holds a copy of the world, and shows what came of it. */
  const happen = (at: number, number: number, length: number, code: number, visit: Visit): void => {
    const before = next[at]!
    const { local, letters: sent, commits, broken } = effectOf(before, number)
    let faults = broken
    if (local !== before) {
      next[at] = local
      const { memory, broken: contradictions } = judge.recall(next[MEMORY]!, local, IDS[at]!, locals.at(local).shell)
      next[MEMORY] = memory
      if (contradictions.length > 0) faults = [...faults, ...contradictions]
      if (locals.at(local).logs !== locals.at(before).logs) {
        for (let other = 0; other < IDS.length; other++) {
          const unlike = judge.mismatch(locals.at(local).logs, locals.at(next[other]!).logs)
          if (unlike.length > 0) faults = [...faults, ...unlike]
        }
      }
      if (commits) faults = [...faults, ...notOnMajority(stateOf(before), stateOf(local), members(next))]
    }
    visit(next, mail.post(next, length, sent), code, faults)
  }

  const isWithin = (words: Uint32Array, at: number, number: number): boolean => {
    const one = acts.at(number)
    const budget = words[BUDGET]!
    switch (one.type) {
      case 'crash': return (budget & 0xff) < bounds.crashes
      case 'beat': return ((budget >>> 24) & 0xf) < bounds.heartbeats
      case 'propose': return one.request === ((budget >>> 16) & 0xff) + 1
      // What is refused is as good as never asked.
      case 'change': return one.request === (budget >>> 28) + 1 && effectOf(words[at]!, number).local !== words[at]
      default: return true
    }
  }
  const alone = (words: Uint32Array, length: number, at: number, visit: Visit): void => {
    for (const number of locals.at(words[at]!).acts) {
      const one = acts.at(number)
      if (!isWithin(words, at, number)) continue
      next.set(words)
      next[BUDGET] = words[BUDGET]! + COSTS[one.type]
      happen(at, number, length, number * 8 + at * 2, visit)
    }
  }
  const hear = (words: Uint32Array, length: number, position: number, visit: Visit): void => {
    const letter = letters.at(words[position]!)
    const at = letter.link % IDS.length
    const code = letter.act * 8 + at * 2
    next.set(words)
    next.copyWithin(position, position + 1, length)
    happen(at, letter.act, length - 1, code, visit)
    if (((words[BUDGET]! >>> 8) & 0xff) >= bounds.duplicates) return
    next.set(words)
    next[BUDGET] = words[BUDGET]! + DUPLICATE
    happen(at, letter.act, length, code + 1, visit)
  }
  const firstOf = (id: MemberId): Membership => membershipOf(wordsIn(bounds.voters).includes(id) ? bounds.voters : '')
  const told: Readonly<Record<Exclude<Act['type'], 'hear' | 'change'>, string>> = {
    stand: 'stands for election', beat: 'sends heartbeats', write: 'writes', crash: 'crashes and restarts', propose: 'takes a proposal',
  }
  return {
    first: Uint32Array.from([...IDS.map(id => localNumber(startLocal(id, emptyDisk(firstOf(id))))), 0, judge.blank]),
    successors: (words, length, visit) => {
      for (let at = 0; at < IDS.length; at++) alone(words, length, at, visit)
      for (let position = MAIL; position < length; position++) hear(words, length, position, visit)
    },
    tell: code => {
      const one = acts.at(Math.floor(code / 8))
      const id = IDS[(code >>> 1) & 3]!
      const again = code % 2 === 1 ? ', which will come again' : ''
      switch (one.type) {
        case 'hear': return `${id} hears ${one.message.from}: ${show(one.message)}${again}`
        case 'change': return `${id} takes the change ${one.wish}`
        default: return `${id} ${told[one.type]}`
      }
    },
    members,
    silent: words => words.slice(0, MAIL),
    size: () => `${locals.size()} members, ${letters.size()} letters, ${effects.size} acts`,
  }
}
