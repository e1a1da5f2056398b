/** A path into an application's state: property names, keys of Maps and places in lists, with dots between them. */
import { type Either, left, right } from '../../lib/prelude.js'

/** The names of a path; a backslash makes the next character a part of a name. None for the whole. */
export const namesIn = (path: string, most: number): Either<string, readonly string[]> => {
  if (path === '') return right([])
  const names = ['']
  for (let i = 0; i < path.length; i++) {
    if (path[i] === '.') names.push('')
    else {
      if (path[i] === '\\') i++
      names[names.length - 1] += path[i] ?? ''
    }
  }
  return names.length <= most ? right(names) : left(`a path has at most ${most} names, not ${names.length}`)
}

/** What nobody put there is not found: only own properties count. */
const stepInto = (holder: unknown, name: string): unknown => {
  if (holder instanceof Map) {
    if (holder.has(name)) return holder.get(name)
    return /^\d+$/.test(name) ? holder.get(Number(name)) : undefined
  }
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined
}

/** What stands at the end of the path; undefined where there is nothing. */
export const valueAt = (state: unknown, names: readonly string[]): unknown => names.reduce<unknown>(stepInto, state)
