/** `rxraft/testing`: suites that every machine, storage and transport must pass, and a judge of what clients saw; free of any test runner. */
export { type LinearizabilityOptions, type Verdict, isLinearizable, judge } from './linearizability/judge.js'
export { type Answered, type Operation, type Unanswered } from './linearizability/history.js'
export { type KeyValueInput, type KeyValueOutput, type Model, counterModel, keyValueModel } from './linearizability/model.js'
export { type Misfit } from './linearizability/search.js'
export { type MachineSample, machineSuite } from './machine-suite.js'
export { type StorageWorld, storageSuite } from './storage-suite.js'
export { type SuiteCase, type TransportWorld, transportSuite } from './transport-suite.js'
