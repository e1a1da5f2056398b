const { setFlagsFromString } = require('node:v8')

/** No test runs for long: what the compiler would make best of is left alone until it has been run more often, and fewer guesses prove wrong. */
setFlagsFromString('--interrupt-budget=400000')
/** Until then, what the quickest compiler makes at the first call is run, and nothing is interpreted. */
setFlagsFromString('--always-sparkplug')

/** Where AVA asks for a test file as it is written, it gets the one that was compiled. */
require.extensions['.ts'] = (asked, path) => {
  asked.exports = import('./compiled.mjs').then(({ compiledOf }) => import(compiledOf(path)))
}
