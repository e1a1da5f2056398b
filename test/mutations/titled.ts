/** `test` as a killer gets it that shares a process with others. */
import ava, { type ExecutionContext } from 'ava'

type Run = (t: ExecutionContext) => unknown

/** As AVA takes `--match`. */
const isMatch = (title: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(part => part.replace(/[^\w\s]/g, '\\$&')).join('.*')}$`).test(title)

/** Only the tests that match one of the patterns, by titles that begin with the name of the trial; once one has failed the others have nothing to add, and pass. */
export const titled = (name: string, matches: readonly string[]): typeof ava => {
  let isCaught = false
  const guarded = (run: Run): Run => async t => {
    if (isCaught) return t.pass()
    try {
      await run(t)
    } catch (error) {
      isCaught = true
      throw error
    }
  }
  const wrapped = <Test extends object>(test: Test): Test => new Proxy(test, {
    apply: (target, self, [title, run, ...rest]: [unknown, Run, ...unknown[]]) => {
      if (typeof title !== 'string') return Reflect.apply(target as () => unknown, self, [title, run, ...rest])
      return matches.some(match => isMatch(title, match)) ? Reflect.apply(target as () => unknown, self, [`${name} › ${title}`, guarded(run), ...rest]) : undefined
    },
    get: (target, key) => {
      const inner: unknown = Reflect.get(target, key)
      return typeof inner === 'function' ? wrapped(inner) : inner
    },
  })
  return wrapped(ava)
}
