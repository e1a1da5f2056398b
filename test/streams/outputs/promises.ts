import { readFileSync } from 'node:fs'

/** What docs/streams.md says is tested in this file: its lines with a number. */
export const promises = (file: string): readonly string[] => {
  const text = readFileSync(new URL('../../../docs/streams.md', import.meta.url), 'utf8')
  const [, section = ''] = text.split(`In \`test/streams/outputs/${file}\`:\n`)
  return section.split(/^In /m)[0]!.split('\n').filter(line => /^\d+\. `/.test(line))
}

/** The title of the test. */
export const quoted = (promise: string): string => /`([^`]+)`/.exec(promise)?.[1] ?? promise
