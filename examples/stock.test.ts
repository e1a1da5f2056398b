// The suite that every machine must pass. Run with node --test.
import { test } from 'node:test'
import { machineSuite } from 'rxraft/testing'
import { stockMachine } from './stock.js'

const commands = [{ item: 'pear', add: 3 }, { item: 'apple', add: -1 }, { item: 'pear', add: -3 }, { item: 'Käse', add: 5 }, { item: 'Käse', add: -2 }] // one fails
for (const { name, run } of machineSuite({ machine: stockMachine, commands })) test(name, run)
