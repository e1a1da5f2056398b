/** Where AVA asks for a test file as it is written, it gets the one that was compiled. */
require.extensions['.ts'] = (asked, path) => {
  asked.exports = import('./compiled.mjs').then(({ compiledOf }) => import(compiledOf(path)))
}
