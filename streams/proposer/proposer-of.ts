import { callOptions } from './call-options.js'
import { replicate, replicateFrom } from './replicate.js'
import type { Proposer, Submit } from './proposer.js'

/** All ways to propose, over one way to hand over a command: this is what a member, a leadership and a client have in common. */
export const proposerOf = <C, R>(submit: Submit<C, R>): Proposer<C, R> => ({
  propose: (command, options) => new Promise(resolve => submit(command, callOptions(options), resolve)),
  replicate: options => replicate(submit, options),
  replicateFrom: (commands, options) => replicateFrom(submit, commands, options),
})
