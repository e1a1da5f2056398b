import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import type { Observable } from 'rxjs'
import { root } from '../../run.js'

/** What docs/streams.md says is tested in this file: its lines with a number. */
export const promises = (file: string): readonly string[] => {
  const text = readFileSync(join(root, 'docs/streams.md'), 'utf8')
  const [, section = ''] = text.split(`In \`test/streams/outputs/${file}\`:\n`)
  return section.split(/^In /m)[0]!.split('\n').filter(line => /^\d+\. `/.test(line))
}

/** The title of the test. */
export const quoted = (promise: string): string => /`([^`]+)`/.exec(promise)?.[1] ?? promise

/** `test`, and the names of all that went through it. */
export const namedTests = () => {
  const names: string[] = []
  return {
    names,
    test: (name: string, check: (t: ExecutionContext) => void | Promise<void>): void => {
      names.push(name)
      ava(name, check)
    },
  }
}

/** All values from now on. */
export const record = <A>(stream$: Observable<A>): A[] => {
  const values: A[] = []
  stream$.subscribe(value => values.push(value))
  return values
}
