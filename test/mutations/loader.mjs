/** A module loader that puts one mistake into one file as it is read: `MUTATION` holds its path and the two texts as JSON. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const { path, from, to } = JSON.parse(process.env.MUTATION)

export const load = async (url, context, next) => {
  if (!url.startsWith('file:') || fileURLToPath(url) !== path) return next(url, context)
  const source = await readFile(path, 'utf8')
  if (source.split(from).length !== 2) throw new Error(`the text stands in ${path} ${source.split(from).length - 1} times`)
  return { format: 'module', source: source.replace(from, () => to), shortCircuit: true }
}
