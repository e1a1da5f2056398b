/** Things named by numbers: equal keys, one number. A world of thousands of bytes becomes a few numbers. */

/** More than any table here ever holds: two numbers make one key, `a * MANY + b`. */
export const MANY = 2 ** 26

export interface Interned<T> {
  /** The number of what has this key; `make` is called for the first of them. */
  readonly numberOf: (key: string, make: () => T) => number
  readonly at: (number: number) => T
  readonly size: () => number
}

export const interned = <T>(): Interned<T> => {
  const numbers = new Map<string, number>()
  const items: T[] = []
  return {
    numberOf: (key, make) => {
      const known = numbers.get(key)
      if (known !== undefined) return known
      numbers.set(key, items.length)
      return items.push(make()) - 1
    },
    at: number => items[number]!,
    size: () => items.length,
  }
}
