import { register } from 'node:module'

if (process.env.MUTATION !== undefined) register('./mutations/loader.mjs', import.meta.url)
register('./compiled.mjs', import.meta.url)
