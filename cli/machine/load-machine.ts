import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { machineFaults } from '../../codecs/judging.js'
import { messageOf } from '../../codecs/report.js'
import type { Machine } from '../../streams/machine/machine.js'
import { Mistake } from '../mistake.js'

/** Whatever an application keeps: this program only hands it on. */
export type AnyMachine = Machine<unknown, unknown, unknown>

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What a module exports by default: `module.exports.default` of compiled CommonJS lies one deeper. */
const defaultOf = (module: object): unknown => {
  const found: unknown = Reflect.get(module, 'default')
  return isObject(found) && Reflect.get(found, '__esModule') === true ? Reflect.get(found, 'default') : found
}

const isMachine = (value: unknown): value is AnyMachine =>
  isObject(value) && typeof Reflect.get(value, 'start') === 'function' && machineFaults('machine', value).length === 0

/** The default export of a JavaScript file, which must be a `Machine`. */
export const loadMachine = async (file: string): Promise<AnyMachine> => {
  const module: unknown = await import(pathToFileURL(resolve(file)).href).catch((thrown: unknown) => {
    throw new Mistake(`--machine ${file} cannot be loaded: ${messageOf(thrown).replace(/\s*\n\s*/g, ' ')}`)
  })
  const machine = isObject(module) ? defaultOf(module) : undefined
  if (!isMachine(machine)) throw new Mistake(`--machine ${file} has no default export that is a machine, an object with the codecs command and result and the method start`)
  return machine
}
